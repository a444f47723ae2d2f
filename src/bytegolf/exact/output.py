"""Hidden states -> logits -> probabilities, which are integers with an exact sum.

N positions in rows, V vocabulary.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.exact.arithmetic import compiled, exp, largest, log, nearest_integer, tanh
from bytegolf.exact.bounds import PROBABILITY_BITS
from bytegolf.exact.matrix import Product

Frequencies = NDArray[np.uint64]


def softcapped(product: Product, cap: float) -> Doubles:
    """Return cap · tanh(z / cap) of what a product stands for, (N, V)."""
    logits = np.empty(product.sums.shape)
    for row in range(len(logits)):
        _softcap(product, cap, row, logits[row])
    return logits


def integer_probabilities(logits: Doubles) -> tuple[Frequencies, Frequencies]:
    """Return how likely each token is, (…, V), in parts of the totals (…). No token is impossible."""
    rows = logits.reshape(-1, logits.shape[-1])
    frequencies, totals = np.empty(rows.shape, np.uint64), np.empty(len(rows), np.uint64)
    _write_frequencies(rows, frequencies, totals)
    return frequencies.reshape(logits.shape), totals.reshape(logits.shape[:-1])


def nats_of(product: Product, cap: float, targets_N: NDArray[np.int64]) -> Doubles:
    """Return -ln of the targets' integer probabilities, (N,), given what is softcapped to logits."""
    nats = np.empty(len(targets_N))
    _write_nats(product, cap, targets_N, nats)
    return nats


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
def _write_nats(product: Product, cap: float, targets_N: NDArray[np.int64], nats_N: Doubles) -> None:
    logits = np.empty(product.sums.shape[1])
    for row in range(len(targets_N)):
        _softcap(product, cap, row, logits)
        top, total = largest(logits), np.int64(0)
        for token in range(len(logits)):
            total += _frequency(logits[token], top)
        nats_N[row] = log(float(total) / float(_frequency(logits[targets_N[row]], top)))
