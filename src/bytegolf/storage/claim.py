"""Claim an output before the work that fills it: find out that it can be written, and keep other processes away.

The claim is a lock of the operating system on a hidden file beside the output. It ends with its owner, however that ends.
"""

import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from bytegolf.errors import InputError, ParameterError
from bytegolf.storage.files import is_filled_in_place, is_stream, partial_copies, require_writable

LOCKS_MISSING = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # some network file systems have none

LOCK = ".lock"  # its name inside a folder
READER_SECONDS = 1.0


@contextmanager
def claimed(output: Path, *inputs: Path, folder: bool = False) -> Iterator[None]:
    """Keep `output`, a file or a `folder` to be written, for this process while the block runs.

    What killed processes left of it is removed, and so are folders made for it if they stay empty. Raises InputError, before
    anything is done, if it cannot be written or another process is writing it, and ParameterError if it is one of `inputs`.
    """
    for other in inputs:
        if output.exists() and other.exists() and output.samefile(other):
            raise ParameterError("out", f"expected another file than {other}, which is read, found the same one")
    if is_stream(output):
        require_writable(output, folder=folder)
        with _reader_of(output):
            yield
        return
    target = output.resolve()
    made = [missing for missing in target.parents if not missing.exists()]
    try:
        with _locked(output, folder):
            for left in partial_copies(target):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
            yield
    finally:
        for parent in made:
            with suppress(OSError):  # it is not empty, or a neighbour that made it too has removed it
                parent.rmdir()


@contextmanager
def _reader_of(stream: Path) -> Iterator[None]:
    """Keep the reader of a named pipe waiting while the block runs. Raises InputError if there is none: who writes would wait for ever."""
    if not stream.is_fifo():
        yield
        return
    descriptor = _open_for_reader(stream)
    try:
        yield
    finally:
        os.close(descriptor)


def _open_for_reader(stream: Path) -> int:
    """Return a named pipe opened for writing; its reader may be a moment late."""
    until = time.monotonic() + READER_SECONDS
    while True:
        try:
            return os.open(stream, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > until:
                raise InputError(f"{stream}: expected a pipe that somebody reads, found no reader; start it first") from None
            time.sleep(0.01)


def _lock_file(target: Path) -> Path:
    """Return where the lock of an output is: beside it, or inside a folder that is filled in place."""
    return target / LOCK if is_filled_in_place(target) else target.with_name(f".{target.name}.lock")


@contextmanager
def _locked(output: Path, folder: bool) -> Iterator[None]:
    """Hold the lock of an output while the block runs, then remove it. Raises InputError if another process holds it."""
    path = _lock_file(output.resolve())
    file = _open_locked(output, path, folder)
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now():%Y-%m-%d %H:%M:%S}".encode())
        file.flush()
        yield
    finally:
        path.unlink(missing_ok=True)
        file.close()


def _opened(output: Path, path: Path, folder: bool, attempts: int = 50) -> BinaryIO:
    """Return the lock file, open, in a folder that is made for it. A neighbour that made it too may remove it at any moment: look again."""
    try:
        require_writable(output, folder=folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+b")
    except (FileNotFoundError, FileExistsError, InputError):
        if attempts == 1:
            raise
        return _opened(output, path, folder, attempts - 1)


def _open_locked(output: Path, path: Path, folder: bool) -> BinaryIO:
    """Return the lock file, open and locked."""
    while True:
        file = _opened(output, path, folder)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().decode(errors="replace") or "another process"
            file.close()
            raise InputError(f"{output}: expected an output that nothing else is writing, found it in use by {holder}") from None
        except OSError as error:
            if error.errno not in LOCKS_MISSING:
                raise
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file
        file.close()  # its owner removed it between our opening and locking it
