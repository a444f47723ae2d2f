"""Fetch files of a dataset from the Hugging Face hub, continuing after interruptions.

The size and hash of a file are known before it is fetched and checked afterwards. An incomplete file has a name of its
own, and the next attempt appends to it.
"""

import hashlib
import io
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Self

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # of the httpx that this version uses
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, disable_progress_bars  # type: ignore[attr-defined]
from huggingface_hub.utils.logging import set_verbosity_error

from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.storage.files import errors_name, sha256_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONNECTIONS = 4  # files fetched at a time
MAIN = "main"


@dataclass(frozen=True)
class HubPlace:
    """A folder of a dataset repository, at a revision: hf://datasets/OWNER/NAME[@REVISION][/FOLDER]."""

    repo: str
    revision: str = MAIN
    root: str = ""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Parse hf://datasets/OWNER/NAME[@REVISION][/FOLDER]. Raises InputError for anything else."""
        match = re.fullmatch(r"hf://datasets/([\w.-]+/[\w.-]+)(?:@([^/]+))?/*(.*?)/*", uri)
        if not match:
            raise InputError(f"{uri}: expected hf://datasets/OWNER/NAME[@REVISION][/FOLDER], found something else")
        return cls(match[1], match[2] or MAIN, match[3])

    def __str__(self) -> str:
        """Return the address that `parse` reads."""
        revision = "" if self.revision == MAIN else f"@{self.revision}"
        return f"hf://datasets/{self.repo}{revision}/{self.root}".rstrip("/")

    def at(self, commit: str) -> "HubPlace":
        """Return the same folder at `commit`."""
        return replace(self, revision=commit)

    def path(self, name: str) -> str:
        """Return the path in the repository of the file `name` in this folder."""
        return f"{self.root}/{name}".lstrip("/")


@dataclass(frozen=True)
class HubFile:
    """A published file's path, size and hash: SHA-256 for large files, git's blob SHA-1 for small ones."""

    path: str
    size: int
    sha256: str | None
    git_sha1: str

    @property
    def identity(self) -> str:
        """Return the hash that identifies the content."""
        return self.sha256 or self.git_sha1

    def is_at(self, path: Path) -> bool:
        """Return whether `path` holds exactly this file."""
        return path.is_file() and path.stat().st_size == self.size and self._hash(path) == self.identity

    def _hash(self, path: Path) -> str:
        if self.sha256:
            return sha256_of(path)
        return hashlib.sha1(b"blob %d\0" % self.size + path.read_bytes(), usedforsecurity=False).hexdigest()


class Hub:
    """A place on the hub, with its revision resolved to a commit once; all files come from that commit."""

    def __init__(self, place: HubPlace) -> None:
        """Resolve the revision of `place`. Raises InputError if the hub cannot be reached or has no such place."""
        disable_progress_bars("huggingface_hub.http_get")
        set_verbosity_error()  # it only warns of connections that it restores itself
        self.place = place
        self._api = HfApi()
        with self._asking(str(place)):
            info = self._api.dataset_info(place.repo, revision=place.revision)
        self.commit = str(info.sha)

    def files(self, names: list[str]) -> list[HubFile]:
        """Return the published files of these names in the place's folder. Raises InputError if one is missing."""
        paths = [self.place.path(name) for name in names]
        with self._asking(str(self.place)):
            listed = self._api.get_paths_info(self.place.repo, paths, repo_type="dataset", revision=self.commit)
        found = {file.path: file for file in listed if isinstance(file, RepoFile)}
        if missing := [path for path in paths if path not in found]:
            raise InputError(f"{self.place}: expected the file {missing[0]}, found nothing of that name published")
        return [_hub_file(found[path]) for path in paths]

    def fetch(self, wanted: Mapping[Path, HubFile]) -> None:
        """Fetch each file to its path, several at a time, continuing earlier attempts.

        Raises InputError if the hub cannot be reached or sends a different file, or if the disk has too little room.
        """
        size = sum(file.size for file in wanted.values())
        begun = sum(partial.stat().st_size for path, file in wanted.items() if (partial := _partial(path, file)).exists())
        for folder in {path.parent for path in wanted}:
            if (free := shutil.disk_usage(folder).free) < size - begun:
                raise InputError(f"{folder}: expected {size - begun:,} bytes of free disk to fetch into, found {free:,}")
        stopped = Event()
        with Progress("fetch", size, "bytes", done=begun) as progress, ThreadPoolExecutor(CONNECTIONS) as pool:

            def advance(amount: int) -> None:
                if stopped.is_set():
                    raise InterruptedError
                progress.advance(amount)

            running = [pool.submit(self._fetch, path, file, advance) for path, file in wanted.items()]
            try:
                for done in as_completed(running):
                    done.result()
            except BaseException:
                stopped.set()  # running downloads stop at their next chunk
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch(self, path: Path, file: HubFile, advance: Callable[[int], None]) -> None:
        partial = _partial(path, file)
        url = hf_hub_url(self.place.repo, file.path, repo_type="dataset", revision=self.commit, endpoint=self._api.endpoint)
        with errors_name(path, partial), self._asking(file.path), _Metered(partial, advance) as out:
            if out.tell() < file.size:
                http_get(url, out, resume_size=out.tell(), headers=build_hf_headers())
            out.flush()
            os.fsync(out.fileno())
        if not file.is_at(partial):
            found = partial.stat().st_size
            partial.unlink()
            raise InputError(
                f"{file.path}: expected {file.size:,} bytes with hash {file.identity[:16]}, found {found:,} bytes that have "
                "another or too few; they were removed, the same command fetches them again"
            )
        partial.replace(path)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn errors of the hub inside the block into an InputError that names `what`."""
        hub = self._api.endpoint
        try:
            yield
        except OfflineModeIsEnabled:
            raise InputError(f"{what}: expected to reach {hub}, found HF_HUB_OFFLINE set") from None
        except RepositoryNotFoundError:
            wish = "expected a dataset that you may read"
            raise InputError(f"{what}: {wish}, found none at {hub}; a private one needs: hf auth login") from None
        except RevisionNotFoundError:
            raise InputError(f"{what}: expected a revision of {self.place.repo}, found none called {self.place.revision}") from None
        except HfHubHTTPError as error:
            raise InputError(f"{what}: expected an answer from {hub}, found HTTP status {error.response.status_code}") from None
        except (TransportError, ValueError) as error:  # ValueError: the server that answers is not a hub
            raise InputError(f"{what}: expected an answer from {hub}, found {str(error) or type(error).__name__}") from None


class _Metered(io.BufferedWriter):
    """A file opened for appending that reports the number of bytes written to it."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        """Open `path` for appending; `advance` is called with the size of each write."""
        super().__init__(io.FileIO(path, "a"))
        self._advance = advance

    def write(self, data: "ReadableBuffer", /) -> int:
        """Report the size of `data`, write it and flush."""
        self._advance(memoryview(data).nbytes)
        written = super().write(data)
        self.flush()  # a killed process loses none of it
        return written


def _partial(path: Path, file: HubFile) -> Path:
    """Return the path of a file's incomplete copy; each version of the file has its own."""
    return path.with_name(f".{path.name}.{file.identity[:16]}.partial")


def _hub_file(info: RepoFile) -> HubFile:
    return HubFile(info.path, info.size, info.lfs.sha256 if info.lfs else None, info.blob_id)
