"""Every finite float16 is an integer and comes back."""

import numpy as np
import pytest

from bytegolf.arrays import Halves
from bytegolf.artifact.coders import encode_grid
from bytegolf.artifact.float16 import half_patterns, halves_from
from bytegolf.artifact.magnitudes import CorruptStreamError


def all_halves() -> Halves:
    """Every finite float16."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite: Halves = halves[np.isfinite(halves)]
    return finite


def test_every_half_has_its_pattern() -> None:
    halves = all_halves()
    patterns = half_patterns(halves)
    np.testing.assert_array_equal(halves_from(patterns), halves)
    assert np.abs(patterns).max() == 0x7BFF and len(np.unique(patterns)) == len(halves) - 1, "only the two zeros share one"
    assert (np.sign(patterns) == np.sign(halves)).all()
    order = np.argsort(np.abs(halves), kind="stable")
    assert (np.diff(np.abs(patterns)[order]) >= 0).all(), "larger numbers have larger magnitudes, which coders make use of"


@pytest.mark.parametrize("pattern", [0x7C00, -0x7C00, 0x7FFF, 0x8000, 1 << 20])
def test_patterns_that_are_no_number(pattern: int) -> None:
    with pytest.raises(CorruptStreamError, match="not finite"):
        halves_from(np.array([[pattern]], np.int32))


def test_halves_cost_what_they_hold() -> None:
    """Ten bits of fraction, a sign, and what the exponents of normal numbers tell: 13.1 bits, not 16."""
    normal = np.random.default_rng(0).standard_normal((512, 256)).astype(np.float16)
    exponents = np.bincount(normal.view(np.uint16).ravel() >> 10 & 31)
    shares = exponents[exponents > 0] / normal.size
    ideal = 11 - (shares * np.log2(shares)).sum()
    bits = 8 * len(encode_grid("range", [half_patterns(normal)])) / normal.size
    assert ideal - 0.1 < bits < ideal + 0.05
