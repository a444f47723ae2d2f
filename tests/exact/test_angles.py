"""Angles against the series of cosine and sine in decimals."""

import math

import pytest

from bytegolf.exact.angles import angles
from support.exact_numbers import cos_sin


@pytest.mark.parametrize(("rotated", "base"), [(2, 20.0), (16, 10_000.0), (6, 1.5)])
def test_are_rounded_once_from_the_true_ones(rotated: int, base: float) -> None:
    table = angles(60, rotated, base)
    for position in range(60):
        for pair in range(rotated // 2):
            found = float(table.cos[position, pair]), float(table.sin[position, pair])
            assert found == cos_sin(position, 2 * pair, rotated, base)


def test_stay_true_far_from_the_first_position() -> None:
    table = angles(4000, 4, 10_000.0)
    assert table.cos[3999, 0] == pytest.approx(math.cos(3999), abs=1e-15)
    assert table.sin[3999, 1] == pytest.approx(math.sin(39.99), abs=1e-14)
