"""Valid files damaged at random, and readers, which have to read them or refuse them in one line, soon and in little memory."""

import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator

import pytest

from bytegolf.errors import InputError

QUICK, THOROUGH = 32, 1250  # inputs for a reader: of some sixteen readers about 500 and 20,000
MAX_SECONDS, MAX_BYTES = 2.0, 500_000_000  # of processor time for an input, and of memory for all of them

amounts = pytest.mark.parametrize("count", [QUICK, pytest.param(THOROUGH, marks=pytest.mark.slow)])

EXTREMES = [
    value.to_bytes(size, order, signed=True)
    for size in (1, 2, 4, 8)
    for value in (-1, 0, 1, 2 ** (8 * size - 1) - 1, -(2 ** (8 * size - 1)))
    for order in ("little", "big")
]
DIGITS = [b"0", b"-1", b"9" * 30, b"1e999", b"NaN", b"null", b"[[[[[[", b'""', b"\xff\xfe", b"\0"]


def mutations(valid: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield `count` damaged copies of a valid file, the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        data = valid
        for _ in range(chance.choice((1, 1, 2, 4, 8))):
            data = chance.choice(DAMAGE)(data, chance)
        yield data


def read_or_refused(read: Callable[[], object]) -> bool:
    """Return whether a file is read in this process. It is, or it is refused in one line, within the limits. Raises what nobody should."""
    before, start = _peak_memory(), time.process_time()
    try:
        read()
        return True
    except InputError as error:
        assert "\n" not in str(error) and ": expected " in str(error) and len(str(error)) < 1000, str(error)
        return False
    finally:
        assert time.process_time() - start < MAX_SECONDS
        assert _peak_memory() - before < MAX_BYTES


def require_read_or_refused(read: Callable[[bytes], object], inputs: Iterable[bytes]) -> None:
    """Fail unless `read` returns for each input or raises InputError, within the limits.

    It runs in a process of its own, which a parser that crashes takes down instead of the test's.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        with os.fdopen(sending, "w", buffering=1) as report:  # a line at a time, as it may crash
            _try(read, inputs, report.write)
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as report:
        lines = report.read().splitlines()
    _, status = os.waitpid(child, 0)
    problems = [line for line in lines if not line.startswith("input ")]
    if os.WIFSIGNALED(status):
        problems.append(f"crashed with {signal.Signals(os.WTERMSIG(status)).name}, after {lines[-1] if lines else 'nothing'}")
    elif status:
        problems.append(f"ended with status {status}")
    if problems:
        pytest.fail("\n".join(problems[:9]), pytrace=False)


def _try(read: Callable[[bytes], object], inputs: Iterable[bytes], report: Callable[[str], object]) -> None:
    before = _peak_memory()
    for number, data in enumerate(inputs):
        report(f"input {number}\n")
        start = time.process_time()
        try:
            read(data)
        except InputError as error:
            if not str(error) or "\n" in str(error):
                report(f"no single line for input {number}: {error!s:.200}\n")
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            message = " ".join(str(error).split())
            report(f"{type(error).__name__} for input {number}, {data[:40]!r}…: {message:.200} ({where.filename}:{where.lineno})\n")
        if (seconds := time.process_time() - start) > MAX_SECONDS:
            report(f"{seconds:.1f} s for input {number}\n")
    if (used := _peak_memory() - before) > MAX_BYTES:
        report(f"{used:,} bytes of memory\n")


def _peak_memory() -> int:
    """Return the most bytes of memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(max(1, len(data)))
    return data[:at] + bytes(byte ^ 1 << chance.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]


def _replace(data: bytes, chance: random.Random) -> bytes:
    given = chance.choice([*EXTREMES, *DIGITS, chance.randbytes(chance.randint(1, 8))])
    at = chance.randrange(max(1, len(data)))
    return data[:at] + given + data[at + len(given) :]


def _insert(data: bytes, chance: random.Random) -> bytes:
    given = chance.choice([*EXTREMES, *DIGITS, chance.randbytes(chance.randint(1, 8))])
    at = chance.choice([0, len(data), chance.randint(0, len(data))])
    return data[:at] + given + data[at:]


def _delete(data: bytes, chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at + chance.randint(1, 16) :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start, stop = sorted(chance.randint(0, len(data)) for _ in range(2))
    return data[:stop] + data[start:]


DAMAGE = (_flip, _flip, _replace, _replace, _insert, _delete, _cut, _repeat)
