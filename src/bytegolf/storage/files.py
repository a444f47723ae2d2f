"""Write files that appear completely or not at all."""

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bytegolf.errors import InputError
from bytegolf.runtime.progress import say


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

    A stream, such as a pipe or the null device, stays what it is: it receives the content once that is complete. On an error,
    which then names `path`, nothing changes. Raises InputError if `path` is a folder or cannot be written.
    """
    require_writable(path)
    if is_stream(path):
        with _spooled(path) as file:
            yield file
        return
    target = path.resolve()  # write through a link to the file it points to
    partial = _partial(target)
    try:
        with errors_name(path, partial):
            target.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _replace(target, partial)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Make a folder that appears under `path` only when it is complete, replacing what was there.

    In a folder that is filled in place, files appear in the order in which they were written, so that the last one tells that
    all are there. An error names `path`. Raises InputError if the folder cannot be written.
    """
    require_writable(path, folder=True)
    target = path.resolve()  # resolved, since "." has no name to derive another from
    partial = _partial(target)
    try:
        shutil.rmtree(partial, ignore_errors=True)  # left by a dead process with the same id
        with errors_name(path, partial):
            partial.mkdir(parents=True)
            yield partial
            publish_folder(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def publish_folder(complete: Path, target: Path) -> None:
    """Put a complete folder in the place of `target`, after its files are on disk.

    A `target` that is filled in place gets its files in the order in which they were written.
    """
    for file in filter(Path.is_file, complete.rglob("*")):
        with file.open("rb") as written:
            os.fsync(written.fileno())
    if is_filled_in_place(target):
        for file in sorted(complete.iterdir(), key=lambda file: file.stat().st_mtime_ns):
            file.replace(target / file.name)
    else:
        if target.exists():
            shutil.rmtree(target)
        complete.rename(target)


def is_stream(path: Path) -> bool:
    """Return whether `path` takes bytes without keeping them as a file: a pipe, a terminal, the null device, /dev/stdout."""
    return _descriptor(path) is not None or path.is_fifo() or path.is_char_device()


def is_stdout(path: Path) -> bool:
    """Return whether what is written to `path` goes where stdout goes."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:  # one of them is not there
        return False


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file of this process that `path` stands for, if any."""
    named = re.fullmatch(r"/dev/(stdout|stderr)|/(?:dev|proc/self)/fd/(\d+)", str(path.absolute()))
    if named is None:
        return None
    return int(named[2]) if named[2] else (1 if named[1] == "stdout" else 2)


def require_writable(path: Path, *, folder: bool = False) -> None:
    """Raise InputError unless a file can be written under `path`, or a `folder` made there. Streams pass as files."""
    if not folder and is_stream(path):
        return
    wanted = "a folder" if folder else "a file"
    if path.exists() and not (path.is_dir() if folder else path.is_file()):
        raise InputError(f"{path}: expected {wanted} or nothing, found {_kind(path)}")
    target = path.resolve()
    place = target if is_filled_in_place(target) else next(folder for folder in target.parents if folder.exists())
    if not place.is_dir():
        raise InputError(f"{path}: expected a folder that can be written, found {_kind(place)} at {place}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"{path}: expected a folder that can be written, found one that cannot: {place}")


def _kind(path: Path) -> str:
    """Return in words what is found under `path`."""
    known = {stat.S_ISDIR: "a folder", stat.S_ISREG: "a file", stat.S_ISBLK: "a disk", stat.S_ISSOCK: "a socket"}
    mode = path.stat().st_mode
    return next((name for applies, name in known.items() if applies(mode)), "a stream")


@contextmanager
def _spooled(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file whose content goes to the stream `path` once it is complete."""
    with errors_name(path), tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        number = _descriptor(path)
        with path.open("wb") if number is None else os.fdopen(os.dup(number), "wb") as stream:
            shutil.copyfileobj(file, stream)


def _replace(target: Path, complete: Path) -> None:
    """Put a complete file in the place of `target`."""
    try:
        complete.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(complete, target)  # a file that is mounted can be written, not replaced


def is_filled_in_place(target: Path) -> bool:
    """Return whether a folder cannot be replaced by another: it is a mount, or the folder around it cannot be written."""
    return target.is_dir() and (os.path.ismount(target) or not os.access(target.parent, os.W_OK))


def _partial(target: Path) -> Path:
    """Return the path of this process's unfinished copy of `target`."""
    folder, name = _partial_place(target)
    return folder / f".{name}.{os.getpid()}.partial"


def partial_copies(target: Path) -> list[Path]:
    """Return the unfinished copies of `target` that processes left or are writing."""
    folder, name = _partial_place(target)
    return [copy for copy in folder.glob(".*.partial") if re.fullmatch(rf"\.{re.escape(name)}\.\d+\.partial", copy.name)]


def _partial_place(target: Path) -> tuple[Path, str]:
    """Return the folder of unfinished copies of `target`, and what they are called."""
    return (target, "all") if is_filled_in_place(target) else (target.parent, target.name)


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
    """Write `value` to `path` as indented JSON, completely or not at all, in little memory however long its lists are."""
    with atomic_file(path) as file:
        file.writelines(part.encode() for part in json.JSONEncoder(indent=2).iterencode(value))
        file.write(b"\n")


def record_json(path: Path, value: object) -> None:
    """Write `value` beside what it tells of, or say that it could not be: a result that is shown anyway is not lost with its record."""
    try:
        write_json(path, value)
    except (OSError, InputError) as error:
        reason = f"{path}: {error.strerror}" if isinstance(error, OSError) else error
        say(f"note: the result is not kept; {reason}")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
