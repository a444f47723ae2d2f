"""Downloads from a dataset on the Hugging Face hub that survive an interruption.

The size and hash of a file are known before it is fetched, and checked afterwards. A file that is not complete has
another name, and the next attempt continues at its end.
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
from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # of whichever httpx this version uses
from huggingface_hub.file_download import http_get
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import build_hf_headers, disable_progress_bars  # type: ignore[attr-defined]
from huggingface_hub.utils.logging import set_verbosity_error

from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.storage.files import errors_name, sha256_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

CONNECTIONS = 4  # files fetched at once
MAIN = "main"


@dataclass(frozen=True)
class HubPlace:
    """A folder of a dataset repository, at a revision: hf://datasets/OWNER/NAME[@REVISION][/FOLDER]."""

    repo: str
    revision: str = MAIN
    root: str = ""

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Return the place that a URI names. Raises InputError for one of another form."""
        match = re.fullmatch(r"hf://datasets/([\w.-]+/[\w.-]+)(?:@([^/]+))?/*(.*?)/*", uri)
        if not match:
            raise InputError(f"{uri}: expected hf://datasets/OWNER/NAME[@REVISION][/FOLDER]")
        return cls(match[1], match[2] or MAIN, match[3])

    def __str__(self) -> str:
        revision = "" if self.revision == MAIN else f"@{self.revision}"
        return f"hf://datasets/{self.repo}{revision}/{self.root}".rstrip("/")

    def at(self, commit: str) -> "HubPlace":
        """Return the same folder at another revision."""
        return replace(self, revision=commit)

    def path(self, name: str) -> str:
        """Return the path in the repository of the file `name` of this folder."""
        return f"{self.root}/{name}".lstrip("/")


@dataclass(frozen=True)
class HubFile:
    """A published file. Large files are identified by SHA-256, small ones by the SHA-1 that git gives a blob."""

    path: str
    size: int
    sha256: str | None
    git_sha1: str

    @property
    def identity(self) -> str:
        """Return the hash that identifies the file's contents."""
        return self.sha256 or self.git_sha1

    def is_at(self, path: Path) -> bool:
        """Return whether `path` holds exactly this file."""
        return path.is_file() and path.stat().st_size == self.size and self._hash(path) == self.identity

    def _hash(self, path: Path) -> str:
        if self.sha256:
            return sha256_of(path)
        return hashlib.sha1(b"blob %d\0" % self.size + path.read_bytes(), usedforsecurity=False).hexdigest()


class Hub:
    """A `place` on the hub, opened: its revision is resolved to a commit once, and all files are those of that commit.

    Raises InputError if the hub cannot be reached or has no such place.
    """

    def __init__(self, place: HubPlace) -> None:
        disable_progress_bars("huggingface_hub.http_get")
        set_verbosity_error()  # it warns about connections that it restores itself
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
        published = {file.path: file for file in listed if isinstance(file, RepoFile)}
        if missing := [path for path in paths if path not in published]:
            raise InputError(f"{self.place}: expected the file {missing[0]}, found nothing of that name published")
        return [_hub_file(published[path]) for path in paths]

    def fetch(self, wanted: Mapping[Path, HubFile]) -> None:
        """Fetch each file to its path, several at once, continuing where an earlier attempt stopped.

        Raises InputError if the hub cannot be reached or sends something else, or if the disk has too little room.
        """
        size = sum(file.size for file in wanted.values())
        there = sum(partial.stat().st_size for path, file in wanted.items() if (partial := _partial(path, file)).exists())
        for folder in {path.parent for path in wanted}:
            if (free := shutil.disk_usage(folder).free) < size - there:
                raise InputError(f"{folder}: expected {size - there:,} bytes of free disk to fetch into, found {free:,}")
        stopped = Event()
        with Progress("fetch", size, "bytes", done=there) as progress, ThreadPoolExecutor(CONNECTIONS) as pool:

            def advance(amount: int) -> None:
                if stopped.is_set():
                    raise InterruptedError
                progress.advance(amount)

            running = [pool.submit(self._fetch, path, file, advance) for path, file in wanted.items()]
            try:
                for done in as_completed(running):
                    done.result()
            except BaseException:
                stopped.set()  # ends the other downloads when they receive their next bytes
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _fetch(self, path: Path, file: HubFile, advance: Callable[[int], None]) -> None:
        partial = _partial(path, file)
        url = hf_hub_url(self.place.repo, file.path, repo_type="dataset", revision=self.commit, endpoint=self._api.endpoint)
        with errors_name(path, partial), self._asking(file.path), _MeteredFile(partial, advance) as out:
            if out.tell() < file.size:
                http_get(url, out, resume_size=out.tell(), headers=build_hf_headers())
            out.flush()
            os.fsync(out.fileno())
        if not file.is_at(partial):
            received = partial.stat().st_size
            partial.unlink()
            raise InputError(
                f"{file.path}: expected {file.size:,} bytes with hash {file.identity[:16]}, found {received:,} bytes of other contents; "
                "they were removed, and the same command fetches the file again"
            )
        partial.replace(path)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Turn the errors of a request for `what` into an InputError."""
        hub = self._api.endpoint
        try:
            yield
        except OfflineModeIsEnabled:
            raise InputError(f"{what}: expected to reach {hub}, found HF_HUB_OFFLINE set") from None
        except RepositoryNotFoundError:
            raise InputError(
                f"{what}: expected a dataset that you may read, found none at {hub}; a private one needs: hf auth login"
            ) from None
        except RevisionNotFoundError:
            raise InputError(f"{what}: expected a revision of {self.place.repo}, found none called {self.place.revision}") from None
        except HfHubHTTPError as error:
            raise InputError(f"{what}: expected an answer from {hub}, found HTTP status {error.response.status_code}") from None
        except (TransportError, ValueError) as error:  # ValueError: the answer of a server that is not a hub
            raise InputError(f"{what}: expected an answer from {hub}, found {str(error) or type(error).__name__}") from None


class _MeteredFile(io.BufferedWriter):
    """A file to append to, which reports how many bytes are written to it."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path, "a"))
        self._advance = advance

    def write(self, data: "ReadableBuffer", /) -> int:
        self._advance(memoryview(data).nbytes)
        written = super().write(data)
        self.flush()  # so that a process that is killed loses none of it
        return written


def _partial(path: Path, file: HubFile) -> Path:
    """Return where a file is kept until it is complete, a different place for each version of it."""
    return path.with_name(f".{path.name}.{file.identity[:16]}.partial")


def _hub_file(info: RepoFile) -> HubFile:
    return HubFile(info.path, info.size, info.lfs.sha256 if info.lfs else None, info.blob_id)
