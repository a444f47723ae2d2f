"""Functions on tensors find the bits of those on numbers."""

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.exact import arithmetic
from bytegolf.scoring import exact_tensors

rows = st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=40)


@given(st.floats(-800, 700))
def test_exp(x: float) -> None:
    found = torch.tensor([x], dtype=torch.float64)
    assert exact_tensors.exp(found).item() == arithmetic.exp(x)


@given(rows, st.sampled_from([15, 19]))
def test_rows_of_integers(row: list[float], bits: int) -> None:
    x, integers = np.array(row), np.empty(len(row))
    unit = arithmetic.round_row(x, bits, integers)
    found = exact_tensors.rounded(torch.from_numpy(x), bits)
    np.testing.assert_array_equal(found.integers.numpy(), integers)
    assert found.units.item() == unit
    assert exact_tensors.inverse_rms(found).item() == arithmetic.inverse_rms(integers, unit, 1.1920929e-7)


@given(st.floats(-1e30, 1e30), st.integers(1, 1000))
def test_division_rounds_once(x: float, number: int) -> None:
    assert exact_tensors.divided(torch.tensor([x], dtype=torch.float64), number).item() == x / number


def test_square_roots_round_once() -> None:
    x = np.random.default_rng(0).random(10_000) * 1e59
    assert exact_tensors.square_root(torch.from_numpy(x)).tolist() == [math.sqrt(number) for number in x.tolist()]


def test_normed_rows_have_a_mean_square_of_one() -> None:
    x = torch.tensor([[3.0, -4.0, 0.5]], dtype=torch.float64)
    torch.testing.assert_close(exact_tensors.normed(x, 19).values().square().mean(), torch.tensor(1.0, dtype=torch.float64))
