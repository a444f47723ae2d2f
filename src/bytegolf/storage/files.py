"""Writing files that appear whole or not at all, and reading JSON."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from bytegolf.errors import InputError


@contextmanager
def errors_name(path: Path, partial: Path | None = None) -> Iterator[None]:
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
        with errors_name(path, partial):
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
        with errors_name(path, partial):
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
