"""Damage to files, drawn by a seed, and what reading a damaged file must come to."""

import random
import resource
import time
from collections.abc import Callable, Iterator

from bytegolf.errors import InputError

SECONDS, MEMORY_BYTES = 2.0, 500_000_000
EXTREMES = [b"99999999999999999999", b"-1", b"1e999", b"NaN", b"9" * 5000, b"null", b"{}", b"[" * 5000, b'"\\u0000"', bytes(8), b"\xff" * 8]


def mutations(seed_bytes: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` damaged copies of `seed_bytes`, each with one to three kinds of damage. The same seed gives the same ones."""
    draw = random.Random(seed)
    for _ in range(count):
        data = seed_bytes
        for _ in range(draw.randint(1, 3)):
            data = draw.choice(DAMAGES)(data, draw)
        yield data


def _flip(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _truncate(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randint(0, len(data))]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.randbytes(draw.randint(1, 16)) + data[at:]


def _duplicate(data: bytes, draw: random.Random) -> bytes:
    first, last = sorted(draw.randint(0, len(data)) for _ in range(2))
    return data[:last] + data[first:last] + data[last:]


def _extreme(data: bytes, draw: random.Random) -> bytes:
    """An extreme number or structure where a number stands, or where any bytes do."""
    digits = [at for at, byte in enumerate(data) if chr(byte).isdigit()]
    at = draw.choice(digits) if digits and draw.random() < 0.8 else draw.randint(0, len(data))
    end = at
    while end < len(data) and chr(data[end]) in "0123456789.":
        end += 1
    return data[:at] + draw.choice(EXTREMES) + data[max(end, at) :]


DAMAGES: list[Callable[[bytes, random.Random], bytes]] = [_flip, _truncate, _insert, _duplicate, _extreme]


def read_or_refused(read: Callable[[], object]) -> bool:
    """Return whether a file is read. It is, or it is refused: in one line, soon, in little memory. Raises what nobody should."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    try:
        read()
        return True
    except InputError as error:
        assert "\n" not in str(error) and ": expected " in str(error) and len(str(error)) < 1000, str(error)
        return False
    finally:
        assert time.process_time() - began < SECONDS
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY_BYTES
