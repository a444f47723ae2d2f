"""Functions of a number against Python's own arithmetic and decimals; and no two operations fused into one."""

import math
from decimal import Decimal

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher

from bytegolf.exact import attention, block, embeddings, matrix, norm, output
from bytegolf.exact.arithmetic import exp, inverse_rms, largest, log, nearest, nearest_integer, round_row, sigmoid, sum_of_squares, tanh
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import read_windows
from support import exact_numbers
from support.exact_models import drawn_texts, drawn_weights
from support.models import changed

FUSED = ("vfmadd", "vfnmadd", "vfmsub", "vfnmsub", "fmla", "fmls", "fmadd", "fmsub")

numbers = st.floats(-1e4, 1e4)
rows = st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=40)


@given(st.floats(-680, 680))
def test_exp(x: float) -> None:
    assert exp(x) == exact_numbers.exp(x)
    assert exp(x) == pytest.approx(float(Decimal(x).exp()), rel=1e-11)


@given(numbers)
def test_tanh(x: float) -> None:
    assert tanh(x) == exact_numbers.tanh(x) or x == 0
    assert tanh(x) == pytest.approx(math.tanh(x), rel=1e-9, abs=1e-11)


@given(st.floats(-680, 680))
def test_sigmoid(x: float) -> None:
    assert sigmoid(x) == exact_numbers.sigmoid(x)
    assert sigmoid(x) == pytest.approx(1 / (1 + math.exp(-x)), rel=1e-11)


@given(st.floats(1e-300, 1e300))
def test_log(x: float) -> None:
    assert log(x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-15)


@given(st.one_of(st.floats(-(2.0**50), 2.0**50), st.integers(-1000, 1000).map(lambda i: i / 2)))
def test_nearest(x: float) -> None:
    assert nearest(x) == nearest_integer(x) == round(x)


@given(rows)
def test_largest(row: list[float]) -> None:
    assert largest(np.array(row)) == max(row)


@given(rows, st.sampled_from([15, 19]))
def test_rows_are_rounded_as_by_hand(row: list[float], bits: int) -> None:
    integers = np.empty(len(row))
    unit = round_row(np.array(row), bits, integers)
    by_hand = exact_numbers.rounded(row, bits)
    assert (integers.tolist(), unit) == (by_hand.integers, by_hand.scale)
    assert abs(integers).max() <= 2**bits
    assert sum_of_squares(integers) == sum(integer * integer for integer in by_hand.integers)
    assert inverse_rms(integers, unit, exact_numbers.EPSILON) == exact_numbers.inverse_rms(by_hand)


def test_traces_count_as_zero() -> None:
    integers = np.ones(3)
    assert round_row(np.array([1e-31, -1e-200, 5e-324]), 15, integers) == 1.0
    assert not integers.any()


def test_no_two_operations_are_fused() -> None:
    """A fused a·b + c is rounded once where two operations are rounded twice: sums of integers survive it, nothing else does."""
    model = ExactModel.of(changed(), drawn_weights(changed()))
    hidden = read_windows(model, drawn_texts(model.config, 2, 9))
    model.nats(hidden, drawn_texts(model.config, 2, 9))
    output.integer_probabilities(model.logits(hidden))
    values = [value for module in (attention, block, embeddings, matrix, norm, output) for value in vars(module).values()]
    looked_at = 0
    for kernel in {value for value in values if isinstance(value, Dispatcher)}:
        afresh = numba.njit(nogil=True, error_model="numpy")(kernel.py_func)  # code that comes from a cache shows no assembly
        for signature in kernel.signatures:
            afresh.compile(signature)
            assembly = afresh.inspect_asm(signature)
            assert "ret" in assembly
            assert not [name for name in FUSED if name in assembly], kernel.py_func.__name__
            looked_at += 1
    assert looked_at > 10
