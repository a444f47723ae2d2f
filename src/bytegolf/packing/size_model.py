"""The predicted size of an artifact, section by section, before there are any weights: they are taken as normal."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import numpy as np

from bytegolf.arrays import Integers
from bytegolf.artifact.coders import encode_grid
from bytegolf.artifact.float16 import half_patterns
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.artifact.shapes import StackShape, stack_shapes
from bytegolf.config import Recipe
from bytegolf.model.weights import Bits, WeightClass, weight_class
from bytegolf.names import CoderName
from bytegolf.packing.baseline import HALF_BITS, Matrix, bits_of, eight_bit_rows, is_eight_bit, prune, searched_rows

ROW_CLASS_BITS = 2.2  # entropy of a row's class
ROW_SPACING_BYTES = 1.4  # of a row's own spacing, coded
SCALE_BITS = 1.6  # of a row's or column's
CONTROL_BITS_ABOVE = 5.0  # the fewest bits of any class
# Bits of a normal weight as named by its spacing, and as coded from a trellis; from there on they are the same.
TRELLIS_ENTROPY = ((0.0, 0.0), (0.25, 0.04), (0.5, 0.47), (0.75, 0.81), (1.0, 1.035), (1.5, 1.51), (2.0, 2.0))
HISTOGRAM_BYTES = 400  # histograms of one group
CONTAINER_BYTES = 450  # preamble, header and lengths
TOKENIZER_BYTES_PER_PIECE = 4  # of a trained BPE model, compressed
SAMPLE = 1 << 16  # weights


def predict_sections(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Return the bytes of each section of the artifact at `bits` per class; method baseline has bits of its own."""
    controls = sum(math.prod(shape) for name, shape in stack_shapes(recipe.model).items() if weight_class(name) == "control")
    tokenizer = recipe.model.vocab_size * TOKENIZER_BYTES_PER_PIECE if recipe.text.tokenizer != "bytes" else 16
    by_method = {"baseline": _fixed_width, "gptq": _on_grid, "rate": _on_trellis}
    weights = {"controls": 2 * controls, **by_method[recipe.pack.method](recipe, bits)}
    return {"container": CONTAINER_BYTES, "tokenizer": tokenizer, **weights}


def gaussian_entropy(bits: float) -> float:
    """Return the entropy in bits of a unit normal, rounded at the grid's spacing for `bits`.

    It is `bits` at high rates, and above at low ones.
    """
    spacing = 2.0 ** (GAUSSIAN_BITS - bits)
    reach = math.ceil(8 / spacing)
    edges = [0.5 * math.erf((k - 0.5) * spacing / math.sqrt(2)) for k in range(-reach, reach + 2)]
    probabilities = [upper - lower for lower, upper in pairwise(edges)]
    return -sum(p * math.log2(p) for p in probabilities if p > 0)


def trellis_entropy(bits: float) -> float:
    """Return the same entropy on a trellis, for an encoder that weighs error against bits."""
    nominal, coded = zip(*TRELLIS_ENTROPY, strict=True)
    return float(np.interp(bits, nominal, coded)) if bits < nominal[-1] else bits


# --- sections of weights by method


def _on_grid(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Return the sections of method gptq."""
    coder = recipe.pack.coder
    coded = _by_class(recipe, lambda kind, rows, columns: _grid_bytes(coder, bits[kind], rows, columns))
    return {"spacings": 4 * sum(shape.matrices for _, shape in _stacks(recipe)), **_with_histograms(coded)}


def _on_trellis(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Return the sections of method rate."""
    coder = recipe.pack.coder
    coded = _by_class(recipe, lambda kind, rows, columns: _trellis_bytes(coder, bits[kind], rows, columns))
    shapes = stack_shapes(recipe.model)
    controls = sum(math.prod(shape) for name, shape in shapes.items() if weight_class(name) == "control")
    scales = sum(shape.matrices * (shape.rows + shape.columns) for _, shape in _stacks(recipe))
    return {
        "spacings": 4 * sum(shape.matrices for shape in shapes.values()),
        "scales": round(scales * SCALE_BITS / 8),
        "controls": round(controls * (min(bits.values()) + CONTROL_BITS_ABOVE) / 8),
        **_with_histograms(coded),
    }


def _fixed_width(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Return the sections of method baseline."""
    coded: dict[str, float] = dict.fromkeys([*bits, "row_spacings", "kept"], 0.0)
    for name, shape in stack_shapes(recipe.model).items():
        kind = weight_class(name)
        if kind == "control":
            continue
        for place in range(shape.matrices):
            width = bits_of(name, place, shape.rows * shape.columns, recipe)
            if width == HALF_BITS:
                coded["kept"] += _half_bytes(recipe.pack.coder, shape.rows, shape.columns)
            else:
                coded[kind] += _fixed_bytes(recipe.pack.coder, width, is_eight_bit(name), shape.rows, shape.columns)
                coded["row_spacings"] += shape.rows * ROW_SPACING_BYTES
    return _with_histograms(coded)


def _stacks(recipe: Recipe) -> Iterator[tuple[WeightClass, StackShape]]:
    """Yield class and shape of each parameter that is no control."""
    for name, shape in stack_shapes(recipe.model).items():
        if weight_class(name) != "control":
            yield weight_class(name), shape


def _by_class(recipe: Recipe, bytes_of: Callable[[WeightClass, int, int], float]) -> dict[str, float]:
    """Return the total bytes of each class; `bytes_of(class, rows, columns)` gives those of one matrix."""
    coded: dict[str, float] = {}
    for kind, shape in _stacks(recipe):
        coded[kind] = coded.get(kind, 0.0) + shape.matrices * bytes_of(kind, shape.rows, shape.columns)
    return coded


def _with_histograms(coded: dict[str, float]) -> dict[str, int]:
    """Return whole bytes, with the histograms of each section that has any."""
    return {section: round(size) + HISTOGRAM_BYTES if size else 0 for section, size in coded.items()}


# --- one matrix of normal weights


@cache
def _grid_bytes(coder: CoderName, bits: float, rows: int, columns: int) -> float:
    """Predict the coded bytes of a matrix on a grid: from theory for `range`, by compressing a sample for the others."""
    if coder == "range":
        return rows * (columns * gaussian_entropy(bits) + ROW_CLASS_BITS) / 8
    spacing = 2.0 ** (GAUSSIAN_BITS - bits)
    return _mean_bytes(coder, [np.round(matrix / spacing).astype(np.int32) for matrix in _normal_matrices(rows, columns)], rows)


def _trellis_bytes(coder: CoderName, bits: float, rows: int, columns: int) -> float:
    """Return the bytes that a coder makes of a matrix on a trellis."""
    return rows * columns * trellis_entropy(bits) / 8 if coder == "range" else _grid_bytes(coder, bits, rows, columns)


@cache
def _fixed_bytes(coder: CoderName, bits: int, eight_bit: bool, rows: int, columns: int) -> float:
    """Return the bytes that a coder makes of a matrix of fixed width."""
    matrices = _normal_matrices(rows, columns)
    packed = [eight_bit_rows(matrix) if eight_bit else searched_rows(prune(matrix), bits) for matrix in matrices]
    return _mean_bytes(coder, [integers for integers, _ in packed], rows)


@cache
def _half_bytes(coder: CoderName, rows: int, columns: int) -> float:
    """Return the bytes that a coder makes of a matrix in float16."""
    return _mean_bytes(coder, [half_patterns(matrix.astype(np.float16)) for matrix in _normal_matrices(rows, columns)], rows)


def _normal_matrices(rows: int, columns: int) -> list[Matrix]:
    """Return matrices of about SAMPLE normal weights, always the same.

    They are several small ones, as how far the largest weight of a matrix reaches depends on its size, or a part of a large one.
    """
    generator = np.random.Generator(np.random.PCG64(0))
    count, rows = -(-SAMPLE // (rows * columns)), min(rows, -(-SAMPLE // columns))
    return [generator.standard_normal((rows, columns), np.float32) for _ in range(count)]


def _mean_bytes(coder: CoderName, matrices: list[Integers], rows: int) -> float:
    """Predict the coded bytes of `rows` rows from the bytes per row of the sample `matrices`."""
    return len(encode_grid(coder, matrices)) / sum(map(len, matrices)) * rows
