"""What normal weights will take in an artifact, section by section, before there are any."""

import math
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise

import numpy as np

from bytegolf.arrays import Integers
from bytegolf.artifact.container import stack_shape
from bytegolf.artifact.general_coders import encode_matrices, half_patterns
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.config import Recipe
from bytegolf.model.gpt import parameter_shapes
from bytegolf.model.weights import Bits, WeightClass, weight_class
from bytegolf.names import CoderName
from bytegolf.packing.baseline import HALF_BITS, Matrix, bits_of, eight_bit_rows, is_eight_bit, prune, searched_rows

ROW_CLASS_BITS = 2.2  # entropy of a row's class
ROW_STEP_BYTES = 1.4  # of a row's own step, coded
SCALE_BITS = 1.6  # of a row's or column's
CONTROL_BITS_ABOVE = 5.0  # the least bits of any matrix
# Bits of a normal weight as named by its step, and as coded from a trellis; from there on they are the same.
TRELLIS_ENTROPY = ((0.0, 0.0), (0.25, 0.04), (0.5, 0.47), (0.75, 0.81), (1.0, 1.035), (1.5, 1.51), (2.0, 2.0))
HISTOGRAM_BYTES = 400  # histograms of one group
CONTAINER_BYTES = 450  # preamble, header and lengths
TOKENIZER_BYTES_PER_PIECE = 4  # of a trained BPE model, compressed
SAMPLE = 1 << 16  # weights


def predict_sections(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Bytes of each part of the artifact at `bits` per class; method baseline has bits of its own."""
    shapes = parameter_shapes(recipe.model)
    controls = sum(shape.numel() for name, shape in shapes.items() if weight_class(name) == "control")
    tokenizer = recipe.model.vocab_size * TOKENIZER_BYTES_PER_PIECE if recipe.text.tokenizer == "bpe" else 16
    by_method = {"baseline": _fixed_width, "gptq": _on_grid, "rate": _on_trellis}
    weights = {"controls": 2 * controls, **by_method[recipe.pack.method](recipe, bits)}
    return {"container": CONTAINER_BYTES, "tokenizer": tokenizer, **weights}


def gaussian_entropy(bits: float) -> float:
    """Entropy in bits of a unit normal rounded at the grid's step for `bits`: equal to `bits` at high rates, above it at low ones."""
    step = 2.0 ** (GAUSSIAN_BITS - bits)
    reach = math.ceil(8 / step)
    edges = [0.5 * math.erf((k - 0.5) * step / math.sqrt(2)) for k in range(-reach, reach + 2)]
    probabilities = [upper - lower for lower, upper in pairwise(edges)]
    return -sum(p * math.log2(p) for p in probabilities if p > 0)


def trellis_entropy(bits: float) -> float:
    """The same on a trellis, by an encoder that minds what its integers cost."""
    nominal, coded = zip(*TRELLIS_ENTROPY, strict=True)
    return float(np.interp(bits, nominal, coded)) if bits < nominal[-1] else bits


def _on_grid(recipe: Recipe, bits: Bits) -> dict[str, int]:
    coder = recipe.pack.coder
    coded = _by_class(recipe, lambda kind, rows, columns: _grid_bytes(coder, bits[kind], rows, columns))
    return {"steps": 4 * sum(count for _, count, _, _ in _matrices(recipe)), **_with_histograms(coded)}


def _on_trellis(recipe: Recipe, bits: Bits) -> dict[str, int]:
    coder = recipe.pack.coder
    coded = _by_class(recipe, lambda kind, rows, columns: _trellis_bytes(coder, bits[kind], rows, columns))
    shapes = {name: stack_shape(shape) for name, shape in parameter_shapes(recipe.model).items()}
    controls = sum(math.prod(shape) for name, shape in shapes.items() if weight_class(name) == "control")
    return {
        "steps": 4 * sum(count for count, _, _ in shapes.values()),
        "scales": round(sum(count * (rows + columns) for _, count, rows, columns in _matrices(recipe)) * SCALE_BITS / 8),
        "controls": round(controls * (min(bits.values()) + CONTROL_BITS_ABOVE) / 8),
        **_with_histograms(coded),
    }


def _matrices(recipe: Recipe) -> Iterator[tuple[WeightClass, int, int, int]]:
    """Class, number, rows and columns of the matrices of each parameter that is no control."""
    for name, shape in parameter_shapes(recipe.model).items():
        if weight_class(name) != "control":
            yield weight_class(name), *stack_shape(shape)


def _by_class(recipe: Recipe, bytes_of: Callable[[WeightClass, int, int], float]) -> dict[str, float]:
    """Of all matrices, where one of a class has so many bytes by its rows and columns."""
    coded: dict[str, float] = {}
    for kind, count, rows, columns in _matrices(recipe):
        coded[kind] = coded.get(kind, 0.0) + count * bytes_of(kind, rows, columns)
    return coded


def _fixed_width(recipe: Recipe, bits: Bits) -> dict[str, int]:
    coded: dict[str, float] = dict.fromkeys([*bits, "row_steps", "kept"], 0.0)
    for name, shape in parameter_shapes(recipe.model).items():
        kind = weight_class(name)
        if kind == "control":
            continue
        rows, columns = shape[-2:]
        for place in range(shape.numel() // (rows * columns)):
            width = bits_of(name, place, rows * columns, recipe)
            if width == HALF_BITS:
                coded["kept"] += _half_bytes(recipe.pack.coder, rows, columns)
            else:
                coded[kind] += _fixed_bytes(recipe.pack.coder, width, is_eight_bit(name), rows, columns)
                coded["row_steps"] += rows * ROW_STEP_BYTES
    return _with_histograms(coded)


def _with_histograms(coded: dict[str, float]) -> dict[str, int]:
    return {section: round(size) + HISTOGRAM_BYTES if size else 0 for section, size in coded.items()}


@cache
def _grid_bytes(coder: CoderName, bits: float, rows: int, columns: int) -> float:
    """What a coder makes of a matrix of normal weights on the grid; but for the range coder as it does of a sample."""
    if coder == "range":
        return rows * (columns * gaussian_entropy(bits) + ROW_CLASS_BITS) / 8
    step = 2.0 ** (GAUSSIAN_BITS - bits)
    return _mean_bytes(coder, [np.round(matrix / step).astype(np.int32) for matrix in _normal_matrices(rows, columns)], rows)


def _trellis_bytes(coder: CoderName, bits: float, rows: int, columns: int) -> float:
    return rows * columns * trellis_entropy(bits) / 8 if coder == "range" else _grid_bytes(coder, bits, rows, columns)


@cache
def _fixed_bytes(coder: CoderName, bits: int, eight_bit: bool, rows: int, columns: int) -> float:
    """The same by method baseline."""
    matrices = _normal_matrices(rows, columns)
    packed = [eight_bit_rows(matrix) if eight_bit else searched_rows(prune(matrix), bits) for matrix in matrices]
    return _mean_bytes(coder, [integers for integers, _ in packed], rows)


@cache
def _half_bytes(coder: CoderName, rows: int, columns: int) -> float:
    return _mean_bytes(coder, [half_patterns(matrix.astype(np.float16)) for matrix in _normal_matrices(rows, columns)], rows)


def _normal_matrices(rows: int, columns: int) -> list[Matrix]:
    """Always the same, SAMPLE weights or so: several small ones, as how far the largest of a matrix reaches depends on its size, or a
    part of a large one.
    """
    generator = np.random.Generator(np.random.PCG64(0))
    count, rows = -(-SAMPLE // (rows * columns)), min(rows, -(-SAMPLE // columns))
    return [generator.standard_normal((rows, columns), np.float32) for _ in range(count)]


def _mean_bytes(coder: CoderName, matrices: list[Integers], rows: int) -> float:
    """Of a matrix of so many rows, by matrices that may have fewer."""
    return len(encode_matrices(coder, matrices)) / sum(map(len, matrices)) * rows
