"""RMS norm of rows: a row is rounded to integers, whose squares have an exact sum."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled_without_counts
from bytegolf.exact.arithmetic import inverse_rms, round_row
from bytegolf.exact.bounds import NORM_BITS, ROW_BITS
from bytegolf.exact.matrix import Rows

EPSILON = 1.1920929e-7  # as in `bytegolf.model.norm`


def normed_rows(x_ND: Doubles, factor: float) -> Rows:
    """Return factor · x / rms(x), ready to be multiplied."""
    rows = Rows(np.empty(x_ND.shape), np.empty(len(x_ND)))
    write_normed_rows(x_ND, factor, rows)
    return rows


@compiled_without_counts
def write_normed_rows(x_ND: Doubles, factor: float, rows: Rows) -> None:
    """Write factor · x / rms(x)."""
    for row in range(len(x_ND)):
        unit = round_row(x_ND[row], ROW_BITS, rows.integers[row])
        rows.scales[row] = unit * inverse_rms(rows.integers[row], unit, EPSILON) * factor


@compiled_without_counts
def norm_in_place(x_ND: Doubles) -> None:
    """Divide each row by its root mean square."""
    for row in range(len(x_ND)):
        x = x_ND[row]
        unit = round_row(x, NORM_BITS, x)
        scale = unit * inverse_rms(x, unit, EPSILON)
        for i in range(len(x)):
            x[i] *= scale
