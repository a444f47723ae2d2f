"""Matrices of integers that coders have to take, and streams that somebody damaged."""

import math

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE

# Around every border of the token code: 32 is the first magnitude with extra bits, then each power of two.
BORDERS = [sign * (m + d) for m in (1, 16, 31, 32, 48, *(1 << b for b in range(6, 21))) for d in (-1, 0, 1) for sign in (1, -1)]
borders = st.sampled_from([value for value in BORDERS if abs(value) <= MAX_MAGNITUDE])
values = st.one_of(st.just(0), st.integers(-3, 3), st.integers(-40, 40), borders, st.integers(-MAX_MAGNITUDE, MAX_MAGNITUDE))


@st.composite
def matrices(draw: st.DrawFn) -> Integers:
    rows, columns = draw(st.integers(1, 8)), draw(st.integers(1, 12))
    kind = draw(st.sampled_from([st.just(0), st.integers(-1, 1), st.integers(-6, 6), values]))
    drawn = draw(
        st.lists(st.one_of(st.just([0] * columns), st.lists(kind, min_size=columns, max_size=columns)), min_size=rows, max_size=rows)
    )
    return np.array(drawn, np.int32)


def shapes_of(coded: list[Integers]) -> list[tuple[int, int]]:
    return [(len(matrix), matrix.shape[1]) for matrix in coded]


def gaussian(rows: int, columns: int, bits: float, seed: int = 0, scale: float | NDArray[np.float64] = 1.0) -> Integers:
    """Normal numbers on the grid of `bits`, rows times `scale`."""
    spacing = math.sqrt(2 * math.pi * math.e) * 2.0**-bits
    noise = np.random.default_rng(seed).standard_normal((rows, columns))
    return np.round(noise * np.reshape(scale, (-1, 1)) / spacing).astype(np.int32)


def student(rows: int, columns: int, seed: int = 0) -> Integers:
    """Heavy tails: a few magnitudes a thousand times the others."""
    noise = np.random.default_rng(seed).standard_t(1.5, (rows, columns))
    return np.clip(np.round(3 * noise), -MAX_MAGNITUDE, MAX_MAGNITUDE).astype(np.int32)


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """Bits flipped, words cut off or added, or noise."""
    kind = random.integers(4)
    if kind == 0:
        flipped = bytearray(data)
        for at in random.integers(len(data), size=random.integers(1, 4)):
            flipped[at] ^= 1 << random.integers(8)
        return bytes(flipped)
    if kind == 1:
        return data[: random.integers(len(data))]
    noise = random.bytes(int(random.integers(1, 80)))
    return data + noise if kind == 2 else noise
