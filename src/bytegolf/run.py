"""What lies where: the data folder, the run folder, and writing that never leaves half a file."""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from bytegolf.errors import InputError


@contextmanager
def naming(path: Path, partial: Path | None = None) -> Iterator[None]:
    """An OSError in here names `path` where it names no file, as that of a full disk does not, or only what is to become `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None or (partial and str(error.filename).startswith(str(partial))):
            error.filename = str(path)
        raise


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under `path` only when it is complete and on disk; on an error, which names it, nothing changes."""
    if path.is_dir():
        raise InputError(f"{path}: expected a file or nothing, found a folder")
    target = path.resolve()  # of a link, what it points to
    partial = _partial(target)
    try:
        with naming(path, partial):
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder that appears under `path` only when it is complete; what stood there is replaced then. An error names it."""
    target = path.resolve()  # even "." has a name
    partial = _partial(target)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a process that had the same number and died
        with naming(path, partial):
            partial.mkdir()
            yield partial
            for file in filter(Path.is_file, partial.rglob("*")):
                with file.open("rb") as written:
                    os.fsync(written.fileno())
            if target.exists():
                shutil.rmtree(target)
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(path: Path) -> Path:
    """Where what will be `path` is written. Raises InputError if its folder cannot be made or written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: expected a folder that can be written, found {error.filename}: {error.strerror}") from None
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: expected a folder that can be written, found one that cannot")
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def clear_partial(folder: Path) -> None:
    """Remove what processes that were killed left half written in `folder`. Nobody else may be writing there."""
    for left in folder.glob(".*.partial"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def write_atomically(path: Path, data: bytes | str) -> None:
    with atomic_file(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def write_json(path: Path, value: object) -> None:
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Raises InputError for a file that is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}") from None


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def provenance() -> dict[str, str | int]:
    """What a result depends on beside its input: code, versions and machine."""
    package = Path(__file__).parent
    code = hashlib.sha256()
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.toml"))):
        code.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    versions = {name: version(name) for name in ("torch", "numpy", "sentencepiece", "constriction")}
    return {
        "code_sha256": code.hexdigest(),
        "python": platform.python_version(),
        **versions,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": os.cpu_count() or 1,
    }


def _processor() -> str:
    """The CPU's model, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())


class DataManifest(BaseModel):
    """`manifest.json` of a data folder: where its text came from, how much there is, and a hash of each file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = 1
    source: str
    corpus_sha256: str  # of every document's name and text in order, so that preparing again can reuse the folder
    split: str  # how documents were held out
    tokenizer: str  # file name in the folder: tokenizer.model, or bytes
    tokenizer_sha256: str
    vocab_size: int
    train_documents: int
    train_bytes: int
    train_tokens: int
    val_documents: int
    val_bytes: int
    val_tokens: int
    normalised: bool = False  # bytes and val.txt are of what the tokens decode to, which may differ from the documents
    val_offsets: list[int]  # where each held-out document starts in val.txt, bytes
    files: dict[str, str]  # name -> sha256

    def to_json(self) -> dict[str, Any]:
        """All but the long list of offsets."""
        return self.model_dump(exclude={"val_offsets"})


@dataclass(frozen=True)
class DataFolder:
    """Shards of tokens, their tokenizer, and the exact held-out text. Folders of bare contest shards have no manifest."""

    root: Path

    @property
    def manifest_path(self) -> Path:
        return self.root / "manifest.json"

    @property
    def val_text(self) -> Path:
        return self.root / "val.txt.zst"

    @property
    def compressors(self) -> Path:
        """Cached sizes of the held-out text under general-purpose compressors."""
        return self.root / "compressors.json"

    def shards(self, split: str) -> list[Path]:
        """Shard files of `train` or `val` in order. Raises InputError if there are none."""
        if not self.root.is_dir():
            raise InputError(
                f"{self.root}: expected a data folder, found nothing; make one with: bytegolf prepare SOURCE --out {self.root}"
            )
        paths = sorted(path for path in self.root.glob("*.bin") if path.name.startswith(f"{split}_") or f"_{split}_" in path.name)
        if not paths:
            raise InputError(f"{self.root}: expected shards {split}_*.bin, found none")
        return paths

    def manifest(self) -> DataManifest | None:
        """The manifest, or None in a foreign folder. Raises InputError if it is damaged."""
        if not self.manifest_path.exists():
            return None
        try:
            return DataManifest.model_validate_json(self.manifest_path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{self.manifest_path}: expected a data manifest, found {first['msg']} at {first['loc']}") from None

    def damaged(self, manifest: DataManifest) -> str | None:
        """The first file that is not as the manifest says, or None."""
        held = ((self.root / name, sha256) for name, sha256 in manifest.files.items())
        return next((path.name for path, sha256 in held if not path.is_file() or sha256_of(path) != sha256), None)


@dataclass(frozen=True)
class RunFolder:
    """One training run and all that was made of it."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def log(self) -> Path:
        return self.root / "log.jsonl"

    @property
    def text_log(self) -> Path:
        return self.root / "train.log"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def weights(self) -> Path:
        return self.root / "weights.safetensors"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def pack(self) -> Path:
        return self.root / "pack.json"

    @property
    def artifact(self) -> Path:
        return self.root / "artifact.bgz"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def score(self, protocol: str) -> Path:
        return self.root / f"score-{protocol}.json"

    def read_manifest(self) -> dict[str, Any]:
        """What the finished run recorded. Raises InputError if the run is missing or unfinished."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: expected a run folder, found nothing")
        if not self.manifest.exists():
            raise InputError(f"{self.root}: expected a finished run, found no manifest.json; finish it with: bytegolf train … --resume")
        manifest = read_json(self.manifest)
        if not isinstance(manifest, dict) or "val_bpb" not in manifest:
            raise InputError(f"{self.manifest}: expected what a finished run records, found something else")
        return manifest

    def events(self) -> list[dict[str, Any]]:
        """The log, an object per event. Raises InputError if it is damaged."""
        try:
            events = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        except (OSError, ValueError) as error:
            raise InputError(f"{self.log}: expected an object per line, found {error}") from None
        if not all(isinstance(event, dict) and "event" in event for event in events):
            raise InputError(f"{self.log}: expected an object with its event per line, found something else")
        return events
