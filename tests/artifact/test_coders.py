"""Every coder gives back what it was given, on grids and on trellises."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Integers
from bytegolf.artifact.adaptive_coder import encode_trellis
from bytegolf.artifact.coders import decode_grid, decode_on_trellis, encode_grid, encode_on_trellis
from bytegolf.artifact.magnitudes import MAX_MAGNITUDE
from bytegolf.artifact.static_coder import encode_integers
from bytegolf.names import CoderName

CODERS: tuple[CoderName, ...] = get_args(CoderName)


@st.composite
def matrices(draw: st.DrawFn) -> list[Integers]:
    """Of sizes from nothing to a few hundred, with magnitudes of every width."""
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    shapes = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 40)), max_size=4))
    largest = [draw(st.sampled_from([0, 1, 7, 127, 128, 129, 32_767, 32_768, MAX_MAGNITUDE])) for _ in shapes]
    found = [random.integers(-top, top, shape, np.int32, endpoint=True) for top, shape in zip(largest, shapes, strict=True)]
    for matrix, top in zip(found, largest, strict=True):
        matrix[0, 0] = draw(st.sampled_from([-top, top]))
    return found


@pytest.mark.parametrize("coder", CODERS)
@given(given_matrices=matrices())
@settings(max_examples=40, deadline=None)
def test_round_trip_on_grids(coder: CoderName, given_matrices: list[Integers]) -> None:
    data = encode_grid(coder, given_matrices)
    found = decode_grid(coder, data, [matrix.shape for matrix in given_matrices])
    assert len(found) == len(given_matrices) and (given_matrices or not data)
    for matrix, expected in zip(found, given_matrices, strict=True):
        assert matrix.dtype == np.int32
        np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("coder", CODERS)
@given(given_matrices=matrices())
@settings(max_examples=20, deadline=None)
def test_round_trip_on_trellises(coder: CoderName, given_matrices: list[Integers]) -> None:
    row_scales = [np.arange(len(matrix), dtype=np.int32) - 4 for matrix in given_matrices]
    data = encode_on_trellis(coder, given_matrices, row_scales)
    found = decode_on_trellis(coder, data, row_scales, [matrix.shape[1] for matrix in given_matrices])
    assert len(found) == len(given_matrices) and (given_matrices or not data)
    for matrix, expected in zip(found, given_matrices, strict=True):
        np.testing.assert_array_equal(matrix, expected)


def test_range_is_the_static_coder_on_grids_and_the_adaptive_coder_on_trellises() -> None:
    matrix, scales = np.arange(-6, 6, dtype=np.int32).reshape(3, 4), np.array([0, 1, -1], np.int32)
    assert encode_grid("range", [matrix]) == encode_integers([matrix])
    assert encode_on_trellis("range", [matrix], [scales]) == encode_trellis([matrix], [scales])
    assert encode_on_trellis("zlib", [matrix], [scales]) == encode_grid("zlib", [matrix])
