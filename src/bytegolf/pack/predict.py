"""What normal weights will take in an artifact, section by section, before there are any."""

import math
from functools import cache
from itertools import pairwise

import numpy as np

from bytegolf.artifact.coders import encode_matrices, half_patterns
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.config import CoderName, Recipe
from bytegolf.model.gpt import parameter_shapes, weight_class
from bytegolf.pack.allocate import Bits
from bytegolf.pack.seed import HALF_BITS, bits_of, eight_bit_rows, is_eight_bit, prune, searched_rows

ROW_CLASS_BITS = 2.2  # entropy of a row's class
ROW_STEP_BYTES = 1.6  # of a row's own step, coded
HISTOGRAM_BYTES = 400  # histograms of one group
CONTAINER_BYTES = 450  # preamble, header and lengths
TOKENIZER_BYTES_PER_PIECE = 4  # of a trained BPE model, compressed
SAMPLE = 1 << 17  # weights


def predict_sections(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Bytes of each part of the artifact at `bits` per class; method seed has bits of its own."""
    shapes = parameter_shapes(recipe.model)
    controls = sum(shape.numel() for name, shape in shapes.items() if weight_class(name) == "control")
    tokenizer = recipe.model.vocab_size * TOKENIZER_BYTES_PER_PIECE if recipe.text.tokenizer == "bpe" else 16
    weights = _fixed_width(recipe, bits) if recipe.pack.method == "seed" else _on_grid(recipe, bits)
    return {"container": CONTAINER_BYTES, "tokenizer": tokenizer, "controls": 2 * controls, **weights}


def gaussian_entropy(bits: float) -> float:
    """Entropy in bits of a unit normal rounded at the grid's step for `bits`: equal to `bits` at high rates, above it at low ones."""
    step = 2.0 ** (GAUSSIAN_BITS - bits)
    reach = math.ceil(8 / step)
    edges = [0.5 * math.erf((k - 0.5) * step / math.sqrt(2)) for k in range(-reach, reach + 2)]
    probabilities = [upper - lower for lower, upper in pairwise(edges)]
    return -sum(p * math.log2(p) for p in probabilities if p > 0)


def _on_grid(recipe: Recipe, bits: Bits) -> dict[str, int]:
    coded: dict[str, float] = dict.fromkeys(bits, 0.0)
    matrices = 0
    for name, shape in parameter_shapes(recipe.model).items():
        kind = weight_class(name)
        if kind != "control":
            rows = shape.numel() // shape[-1]
            row_bits = ROW_CLASS_BITS if recipe.pack.coder == "range" else 0
            coded[kind] += (shape.numel() * _grid_bits(recipe.pack.coder, bits[kind]) + rows * row_bits) / 8
            matrices += rows // shape[-2]
    return {"steps": 4 * matrices, **_with_histograms(coded)}


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
                coded["kept"] += rows * columns * _half_bits(recipe.pack.coder) / 8
            else:
                coded[kind] += rows * columns * _fixed_bits(recipe.pack.coder, width, columns, is_eight_bit(name)) / 8
                coded["row_steps"] += rows * ROW_STEP_BYTES
    return _with_histograms(coded)


def _with_histograms(coded: dict[str, float]) -> dict[str, int]:
    return {section: round(size) + HISTOGRAM_BYTES if size else 0 for section, size in coded.items()}


@cache
def _grid_bits(coder: CoderName, bits: float) -> float:
    """What a coder makes of a normal weight on the grid; but for the range coder as it does of a sample."""
    if coder == "range":
        return gaussian_entropy(bits)
    return _coded_bits(coder, np.round(_normal(512) / 2.0 ** (GAUSSIAN_BITS - bits)))


@cache
def _fixed_bits(coder: CoderName, bits: int, columns: int, eight_bit: bool) -> float:
    """The same of one in a row of method seed."""
    matrix = _normal(columns)
    integers, _ = eight_bit_rows(matrix) if eight_bit else searched_rows(prune(matrix), bits)
    return _coded_bits(coder, integers)


@cache
def _half_bits(coder: CoderName) -> float:
    return _coded_bits(coder, half_patterns(_normal(512).astype(np.float16)))


def _normal(columns: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A matrix of SAMPLE weights or so, always the same."""
    return np.random.Generator(np.random.PCG64(0)).standard_normal((max(1, SAMPLE // columns), columns), np.float32)


def _coded_bits(coder: CoderName, integers: np.ndarray[tuple[int, int], np.dtype[np.floating | np.integer]]) -> float:
    return 8 * len(encode_matrices(coder, [integers.astype(np.int32)])) / integers.size
