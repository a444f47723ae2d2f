"""Products of integers, few rows or many, against Python's integers."""

import numpy as np
import pytest

from bytegolf.exact.matrix import COLUMNS, ROWS, TERMS, IntegerMatrix, rounded, without_traces


@pytest.mark.parametrize("rows", [1, 3, 4, ROWS + 6])
@pytest.mark.parametrize("terms", [1, 4, 7, 8, TERMS + 5])
@pytest.mark.parametrize("columns", [1, 11, COLUMNS + 3])
def test_products_are_exact(rows: int, terms: int, columns: int) -> None:
    draw = np.random.default_rng(terms)
    matrix, x = IntegerMatrix(draw.normal(size=(columns, terms)).astype(np.float32)), rounded(draw.normal(size=(rows, terms)))
    expected = x.integers.astype(np.int64) @ matrix.integers.astype(np.int64)
    product = matrix.times(x)
    assert product.sums.astype(np.int64).tolist() == expected.tolist()
    np.testing.assert_array_equal(product.row_scales, x.scales)
    np.testing.assert_array_equal(product.column_scales, matrix.scales)


def test_a_row_of_a_matrix_is_rounded_by_itself() -> None:
    values = np.array([[1.0, -0.5], [1e-6, 2e-6], [0.0, 0.0]], np.float32)
    matrix = IntegerMatrix(values)
    assert abs((matrix.integers * matrix.scales).T - values).max(axis=1) == pytest.approx([0, 0, 0], abs=2e-11)
    assert matrix.row_norms() == pytest.approx(np.linalg.norm(values, axis=1), rel=1e-4)


def test_traces_are_left_out() -> None:
    assert without_traces(np.array([1e-31, -1e-29, 0.5], np.float32)).tolist() == [0.0, float(np.float32(-1e-29)), 0.5]
