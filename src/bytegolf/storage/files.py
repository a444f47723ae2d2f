"""Write files that appear completely or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bytegolf.errors import InputError


@contextmanager
def errors_name(path: Path, partial: Path | None = None) -> Iterator[None]:
    """Make an OSError inside the block name `path`.

    Applies where the error names no file, as with a full disk, or names `partial`, the unfinished copy of `path`.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or (partial and str(error.filename).startswith(str(partial))):
            error.filename = str(path)
        raise


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears under `path` only when it is complete and on disk.

    On an error, which then names `path`, nothing changes. Raises InputError if `path` is a folder or cannot be written.
    """
    if path.is_dir():
        raise InputError(f"{path}: expected a file or nothing, found a folder")
    target = path.resolve()  # write through a link to the file it points to
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
    """Make a folder that appears under `path` only when it is complete, replacing what was there.

    An error names `path`. Raises InputError if the folder cannot be written.
    """
    target = path.resolve()  # resolved, since "." has no name to derive another from
    partial = _partial(target)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # left by a dead process with the same id
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
    """Return the path for the unfinished copy of `path`. Raises InputError if its folder cannot be made or written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: expected a folder that can be written, found {error.filename}: {error.strerror}") from None
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"{path}: expected a folder that can be written, found one that cannot")
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def clear_partial(folder: Path) -> None:
    """Remove unfinished copies that killed processes left in `folder`. No other process may be writing there."""
    for left in folder.glob(".*.partial"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write `data` to `path`, completely or not at all."""
    with atomic_file(path) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def write_json(path: Path, value: object) -> None:
    """Write `value` to `path` as indented JSON, completely or not at all."""
    write_atomically(path, json.dumps(value, indent=2) + "\n")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
