"""Method baseline: integers of fixed width with a float16 spacing per row, and float16 for the rest.

It is what the baseline's scripts export, but for two mistakes. They hold the spacing of 8-bit rows above 1/127, which leaves rows of
small weights a dozen levels; here it is as small as float16 allows. And they prune matrices that are then kept in float16, where zeroing
the smallest values saves nothing; here only what becomes integers is pruned. The pickle around it all is not reproduced.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.arrays import Halves, Integers
from bytegolf.artifact.container import Artifact
from bytegolf.artifact.grid_weights import GridStack
from bytegolf.config import PackConfig, Recipe
from bytegolf.model.weights import WeightClass, Weights
from bytegolf.packing.rounding import assemble, to_float16
from bytegolf.text.tokenizer import Tokenizer

Matrix = NDArray[np.float32]  # (rows, columns)

PRUNED = 0.03  # of a matrix's weights, the smallest
PRUNED_ABOVE = 65_536  # elements; matrices of a bank are pruned whatever their size
KEPT_UP_TO = 8_192  # elements
HALF_BITS = 16
PERCENTILES = (0.999, 0.9995, 0.9999, 0.99999, 1.0)
PERCENTILE_OF_EIGHT = 0.9999984
SMALLEST_SPACING = float(np.finfo(np.float16).smallest_normal)


def quantize_baseline(weights: Weights, recipe: Recipe, tokenizer: Tokenizer) -> Artifact:
    """Prune the weights and round them to rows of the recipe's fixed widths. Raises InputError for weights beyond float16, or none."""

    def pack(name: str, stack: Tensor) -> GridStack:
        return _pack_stack(name, stack, recipe)

    return assemble(weights, recipe, tokenizer, pack)


def _pack_stack(name: str, stack: Tensor, recipe: Recipe) -> GridStack:
    """Return a parameter's stack (matrices, rows, columns) with each matrix rounded, or kept in float16."""
    integers, spacings = np.zeros(tuple(stack.shape), np.int32), np.zeros(tuple(stack.shape[:2]), np.float16)
    kept: dict[int, Halves] = {}
    for place, half in enumerate(to_float16(name, "weights", stack)):  # all of them, so that no spacing leaves float16's range
        bits = bits_of(name, place, half.size, recipe)
        if bits == HALF_BITS:
            kept[place] = half
            continue
        matrix = stack[place].numpy()
        if name.startswith("banks.") or matrix.size > PRUNED_ABOVE:
            matrix = prune(matrix)
        integers[place], spacings[place] = eight_bit_rows(matrix) if is_eight_bit(name) else searched_rows(matrix, bits)
    return GridStack(integers, spacings, kept)


def bits_of(name: str, place: int, elements: int, recipe: Recipe) -> int:
    """Return the width of one matrix; HALF_BITS if it is kept in float16: the token embedding, the last block's keys, and small ones."""
    last_keys = name == "banks.kv" and place == recipe.model.num_layers - 1
    if elements <= KEPT_UP_TO or name == "tokens" or last_keys:
        return HALF_BITS
    if is_eight_bit(name):
        return 8
    if name.startswith(("bigram.", "trigram.")):
        return _hash_bits(recipe.pack)
    return recipe.pack.mlp_int if name in ("banks.up", "banks.down") else recipe.pack.attention_int


def class_widths(pack: PackConfig) -> dict[WeightClass, float]:
    """Return the width that most weights of each class have."""
    hashes = float(_hash_bits(pack))
    return {"mlp": pack.mlp_int, "attention": pack.attention_int, "embedding": HALF_BITS, "table": hashes, "projection": hashes}


def prune(matrix: Matrix) -> Matrix:
    """Return a matrix with the weights below the 3 % quantile of all magnitudes set to 0."""
    magnitudes = np.abs(matrix)
    return np.where(magnitudes < np.quantile(magnitudes, PRUNED), np.float32(0), matrix)


def searched_rows(matrix: Matrix, bits: int) -> tuple[Integers, Matrix]:
    """Return integers in [−2^(bits−1), 2^(bits−1) − 1] and a spacing per row, float32 but of float16's values.

    All rows are clipped at one percentile of their magnitudes: the one of PERCENTILES whose squared error over the matrix is least.
    """
    reach = 2 ** (bits - 1) - 1
    clips = np.quantile(np.abs(matrix), PERCENTILES, axis=1).astype(np.float32)
    tried = [_rounded(matrix, clip / reach, -(reach + 1), reach) for clip in clips]
    return min(tried, key=lambda rows: float(np.square(matrix - rows[0] * rows[1][:, None], dtype=np.float64).sum()))


def eight_bit_rows(matrix: Matrix) -> tuple[Integers, Matrix]:
    """Return integers in [−127, 127] and a spacing per row, clipped at a percentile that leaves something out of the longest rows only."""
    clip = np.quantile(np.abs(matrix), PERCENTILE_OF_EIGHT, axis=1).astype(np.float32)
    return _rounded(matrix, clip / np.float32(127), -127, 127)


def _rounded(matrix: Matrix, spacings: Matrix, low: int, high: int) -> tuple[Integers, Matrix]:
    """Return integers from `low` to `high` and the spacings (rows,) as float16 holds them."""
    spacings = np.maximum(spacings, SMALLEST_SPACING).astype(np.float16).astype(np.float32)
    return np.clip(np.round(matrix / spacings[:, None]), low, high).astype(np.int32), spacings


def is_eight_bit(name: str) -> bool:
    """Return whether a parameter's integers have 8 bits at any setting."""
    return name in ("head", "value_embedding.table")


def _hash_bits(pack: PackConfig) -> int:
    """Return the width of hash tables and their projections."""
    return pack.mlp_int if pack.mlp_int <= 4 else 6
