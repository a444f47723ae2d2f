"""Hidden states -> logits -> probabilities, which are integers with an exact sum.

N positions in rows, V vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.exact.arithmetic import compiled, exp, largest, log, nearest_integer, tanh
from bytegolf.exact.bounds import PROBABILITY_BITS
from bytegolf.exact.matrix import Product
from bytegolf.exact.parts import in_parts

Frequencies = NDArray[np.uint64]

EXP = 16  # multiplications in `exp` and what goes with it


@compiled
def softcap(product: Product, cap: float, logits_NV: Doubles) -> None:
    """Write cap · tanh(z / cap) of what a product stands for."""
    for row in range(len(logits_NV)):
        _softcap(product, cap, row, logits_NV[row])


def integer_probabilities(logits: Doubles) -> tuple[Frequencies, Frequencies]:
    """Return how likely each token is, (…, V), in parts of the totals (…). No token is impossible."""
    rows = logits.reshape(-1, logits.shape[-1])
    frequencies, totals = np.empty(rows.shape, np.uint64), np.empty(len(rows), np.uint64)
    in_parts(lambda some: _write_frequencies(rows[some], frequencies[some], totals[some]), len(rows), EXP * rows.shape[-1])
    return frequencies.reshape(logits.shape), totals.reshape(logits.shape[:-1])


@compiled
def _softcap(product: Product, cap: float, row: int, logits_V: Doubles) -> None:
    for token in range(len(logits_V)):
        z = product.sums[row, token] * (product.row_scales[row] * product.column_scales[token])
        logits_V[token] = cap * tanh(z / cap)


@compiled
def _frequency(logit: float, top: float) -> int:
    return nearest_integer(exp(logit - top) * (1 << PROBABILITY_BITS)) + 1


@compiled
def _write_frequencies(logits_NV: Doubles, frequencies_NV: Frequencies, totals_N: Frequencies) -> None:
    for row in range(len(logits_NV)):
        top, total = largest(logits_NV[row]), np.int64(0)
        for token in range(logits_NV.shape[1]):
            frequency = _frequency(logits_NV[row, token], top)
            frequencies_NV[row, token] = frequency
            total += frequency
        totals_N[row] = total


@compiled
def write_nats(product: Product, cap: float, targets_N: NDArray[np.int64], nats_N: Doubles) -> None:
    """Write -ln of the targets' integer probabilities, given what is softcapped to logits."""
    logits = np.empty(product.sums.shape[1])
    for row in range(len(targets_N)):
        _softcap(product, cap, row, logits)
        top, total = largest(logits), np.int64(0)
        for token in range(len(logits)):
            total += _frequency(logits[token], top)
        nats_N[row] = log(float(total) / float(_frequency(logits[targets_N[row]], top)))
