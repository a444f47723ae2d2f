"""Hidden states -> logits -> probabilities, which are whole numbers of parts of TOTAL.

N positions in rows, V vocabulary. A token's weight is its probability relative to the likeliest token's, as an integer. TOTAL is
divided in proportion to weights: one part for each token, so that none is impossible, and of all other parts the difference of two
rounded sums, so that none is lost.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.compiling import compiled, compiled_inside_without_counts, compiled_without_counts
from bytegolf.exact.arithmetic import exp, largest, log, nearest_integer, tanh
from bytegolf.exact.bounds import PROBABILITY_BITS
from bytegolf.exact.matrix import Product
from bytegolf.exact.parts import in_parts

Frequencies = NDArray[np.int64]  # of tokens, along the last axis, where they sum to TOTAL

TOTAL = 1 << PROBABILITY_BITS
EXP = 16  # multiplications in `exp` and what goes with it


@compiled_without_counts
def softcap(product: Product, cap: float, logits_NV: Doubles) -> None:
    """Write cap · tanh(z / cap) of what a product stands for."""
    for row in range(len(logits_NV)):
        _softcap(product, cap, row, logits_NV[row])


def integer_probabilities(logits: Doubles) -> Frequencies:
    """Return how likely each token is, (…, V), in parts of TOTAL. No token is impossible."""
    rows = logits.reshape(-1, logits.shape[-1])
    frequencies = np.empty(rows.shape, np.int64)
    in_parts(lambda some: _write_frequencies(rows[some], frequencies[some]), len(rows), EXP * rows.shape[-1])
    return frequencies.reshape(logits.shape)


def parts_of_total(weights: NDArray[np.int64]) -> Frequencies:
    """Return TOTAL divided in proportion to weights (…, V) from 0 up, whose sums are positive and below 2^53."""
    rows = weights.reshape(-1, weights.shape[-1]).copy()
    _share_out_rows(rows)
    return rows.reshape(weights.shape)


def nats_of_frequencies(frequencies: NDArray[np.int64]) -> Doubles:
    """Return -ln of parts of TOTAL, in any shape."""
    nats = np.empty(frequencies.size)
    _write_logarithms(frequencies.reshape(-1), nats)
    return nats.reshape(frequencies.shape)


@compiled_without_counts
def rounded_share(sum_so_far: int | np.int64, total: int | np.int64, parts: int) -> int:
    """Return the share of a sum in a total below 2^53, in whole parts: all of them for the total itself."""
    return math.floor(np.float64(sum_so_far) / np.float64(total) * parts)


@compiled_inside_without_counts
def _softcap(product: Product, cap: float, row: int, logits_V: Doubles) -> None:
    for token in range(len(logits_V)):
        z = product.sums[row, token] * (product.row_scales[row] * product.column_scales[token])
        logits_V[token] = cap * tanh(z / cap)


@compiled_inside_without_counts
def _weigh(logits_V: Doubles, top: float, weights_V: NDArray[np.int64]) -> np.int64:
    """Write the tokens' weights and return their sum."""
    total = np.int64(0)
    for token in range(len(logits_V)):
        weights_V[token] = nearest_integer(exp(logits_V[token] - top) * TOTAL)
        total += weights_V[token]
    return total


@compiled_without_counts
def _write_frequencies(logits_NV: Doubles, frequencies_NV: Frequencies) -> None:
    for row in range(len(logits_NV)):
        total = _weigh(logits_NV[row], largest(logits_NV[row]), frequencies_NV[row])
        _share_out(frequencies_NV[row], total)


@compiled_without_counts
def _share_out_rows(weights_NV: NDArray[np.int64]) -> None:
    for row in range(len(weights_NV)):
        _share_out(weights_NV[row], weights_NV[row].sum())


@compiled_inside_without_counts
def _share_out(weights_V: NDArray[np.int64], total: int | np.int64) -> None:
    """Write parts of TOTAL in the place of weights, which sum to `total`."""
    so_far, before, parts = np.int64(0), 0, TOTAL - len(weights_V)
    for token in range(len(weights_V)):
        so_far += weights_V[token]
        share = rounded_share(so_far, total, parts)
        weights_V[token] = 1 + share - before
        before = share


@compiled
def write_nats(product: Product, cap: float, targets_N: NDArray[np.int64], nats_N: Doubles) -> None:
    """Write -ln of the targets' integer probabilities, given what is softcapped to logits."""
    vocab_size = product.sums.shape[1]
    logits, weights, parts = np.empty(vocab_size), np.empty(vocab_size, np.int64), TOTAL - vocab_size
    for row in range(len(targets_N)):
        _softcap(product, cap, row, logits)
        total, target = _weigh(logits, largest(logits), weights), targets_N[row]
        before = weights[:target].sum()
        share = rounded_share(before + weights[target], total, parts) - rounded_share(before, total, parts)
        nats_N[row] = log(float(TOTAL) / float(1 + share))


@compiled_without_counts
def _write_logarithms(frequencies: NDArray[np.int64], nats: Doubles) -> None:
    for i in range(len(frequencies)):
        nats[i] = log(float(TOTAL) / float(frequencies[i]))
