"""Packing as the seed system meant it: integers of fixed width with a float16 step per row, and float16 for the rest.

Its equations, with two of its defects put right. The step of 8-bit rows is no longer held above 1/127, which left rows of
small weights a dozen levels (defect D4). And only what becomes integers is pruned: zeroing the smallest values of a matrix
that is kept in float16 loses them for nothing (D5). The pickle around it all is not reproduced.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.container import Artifact
from bytegolf.artifact.grid_weights import GridStack
from bytegolf.config import PackConfig, Recipe
from bytegolf.model.weights import WeightClass
from bytegolf.packing.rounding import assemble, halves
from bytegolf.text.tokenizer import Tokenizer

Matrix = NDArray[np.float32]  # (rows, columns)

PRUNED = 0.03  # of a matrix's weights, the smallest
PRUNED_ABOVE = 65_536  # elements; matrices of a bank are pruned whatever their size
KEPT_UP_TO = 8_192  # elements
HALF_BITS = 16
PERCENTILES = (0.999, 0.9995, 0.9999, 0.99999, 1.0)
PERCENTILE_OF_EIGHT = 0.9999984
SMALLEST_STEP = float(np.finfo(np.float16).smallest_normal)


def quantize_baseline(weights: Mapping[str, Tensor], recipe: Recipe, tokenizer: Tokenizer) -> Artifact:
    """Prune, then round to rows of the recipe's fixed widths. Raises InputError for weights beyond float16, or none."""

    def pack(name: str, stack: Tensor) -> GridStack:
        integers, steps = np.zeros(tuple(stack.shape), np.int32), np.zeros(tuple(stack.shape[:2]), np.float16)
        kept: dict[int, Halves] = {}
        for place, half in enumerate(halves(name, "weights", stack)):  # all of them, so that no step leaves float16's range
            bits = bits_of(name, place, half.size, recipe)
            if bits == HALF_BITS:
                kept[place] = half
                continue
            matrix = stack[place].numpy()
            if name.startswith("banks.") or matrix.size > PRUNED_ABOVE:
                matrix = prune(matrix)
            integers[place], steps[place] = eight_bit_rows(matrix) if is_eight_bit(name) else searched_rows(matrix, bits)
        return GridStack(integers, steps, kept)

    return assemble(weights, recipe, tokenizer, pack)


def bits_of(name: str, place: int, elements: int, recipe: Recipe) -> int:
    """Of one matrix; HALF_BITS if it is kept in float16: the token embedding, the last block's keys, and small ones."""
    last_keys = name == "banks.kv" and place == recipe.model.num_layers - 1
    if elements <= KEPT_UP_TO or name == "tokens" or last_keys:
        return HALF_BITS
    if is_eight_bit(name):
        return 8
    if name.startswith(("bigram.", "trigram.")):
        return _hash_bits(recipe.pack)
    return recipe.pack.mlp_int if name in ("banks.up", "banks.down") else recipe.pack.attention_int


def class_widths(pack: PackConfig) -> dict[WeightClass, float]:
    """What most of each class's weights get."""
    hashes = float(_hash_bits(pack))
    return {"mlp": pack.mlp_int, "attention": pack.attention_int, "embedding": HALF_BITS, "table": hashes, "projection": hashes}


def prune(matrix: Matrix) -> Matrix:
    """With the weights below the 3 % quantile of all magnitudes set to 0."""
    magnitudes = np.abs(matrix)
    return np.where(magnitudes < np.quantile(magnitudes, PRUNED), np.float32(0), matrix)


def searched_rows(matrix: Matrix, bits: int) -> tuple[Integers, Matrix]:
    """Integers in [−2^(bits−1), 2^(bits−1) − 1] and a step per row, float32 but of float16's values.

    Rows are clipped at one percentile of their magnitudes; of PERCENTILES the one whose squared error over the matrix is least.
    """
    reach = 2 ** (bits - 1) - 1
    clips = np.quantile(np.abs(matrix), PERCENTILES, axis=1).astype(np.float32)
    tried = [_rounded(matrix, clip / reach, -(reach + 1), reach) for clip in clips]
    return min(tried, key=lambda found: float(np.square(matrix - found[0] * found[1][:, None], dtype=np.float64).sum()))


def eight_bit_rows(matrix: Matrix) -> tuple[Integers, Matrix]:
    """Integers in [−127, 127] and a step per row, clipped at one percentile that leaves out nothing but of the longest rows."""
    clip = np.quantile(np.abs(matrix), PERCENTILE_OF_EIGHT, axis=1).astype(np.float32)
    return _rounded(matrix, clip / np.float32(127), -127, 127)


def _rounded(matrix: Matrix, steps: Matrix, low: int, high: int) -> tuple[Integers, Matrix]:
    """With steps as float16 holds them."""
    steps = np.maximum(steps, SMALLEST_STEP).astype(np.float16).astype(np.float32)
    return np.clip(np.round(matrix / steps[:, None]), low, high).astype(np.int32), steps


def is_eight_bit(name: str) -> bool:
    return name in ("head", "value_embedding.table")


def _hash_bits(pack: PackConfig) -> int:
    return pack.mlp_int if pack.mlp_int <= 4 else 6
