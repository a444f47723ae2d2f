"""Before any training: how large the model is, what a token costs, and how large its artifact will be."""

import math
from dataclasses import asdict, dataclass
from itertools import pairwise

from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.gpt import parameter_shapes, weight_class
from bytegolf.pack.allocate import LOWEST_LEVEL, Bits, BudgetTooSmallError, class_bits, highest_level

ROW_CLASS_BITS = 2.2  # entropy of a row's class
HISTOGRAM_BYTES = 400  # histograms of one group
CONTAINER_BYTES = 450  # preamble, header and lengths
TOKENIZER_BYTES_PER_PIECE = 4  # of a trained BPE model, compressed


@dataclass(frozen=True)
class Plan:
    """`bits` are those pack is expected to choose; `predicted` are bytes by part of the artifact."""

    recipe: str
    parameters: int
    flops_per_token: int
    bits: Bits
    predicted: dict[str, int]
    budget: int
    fits: bool
    steps: int | None = None  # that this machine will take, where it was measured

    @property
    def predicted_bytes(self) -> int:
        return sum(self.predicted.values())

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "predicted_bytes": self.predicted_bytes}


def plan_artifact(recipe: Recipe) -> Plan:
    """Predict the artifact from the architecture alone, taking the weights of each matrix as normal."""
    limit = recipe.pack.budget
    try:
        level, fits = highest_level(lambda level: sum(_predict(recipe, class_bits(recipe.pack, level)).values()), limit), True
    except BudgetTooSmallError:
        level, fits = LOWEST_LEVEL, False
    bits = class_bits(recipe.pack, level)
    shapes = parameter_shapes(recipe.model)
    return Plan(
        recipe.name,
        sum(shape.numel() for shape in shapes.values()),
        training_flops_per_token(recipe),
        bits,
        _predict(recipe, bits),
        limit,
        fits,
    )


def gaussian_entropy(bits: float) -> float:
    """Entropy in bits of a unit normal rounded at the grid's step for `bits`: equal to `bits` at high rates, above it at low ones."""
    step = 2.0 ** (GAUSSIAN_BITS - bits)
    reach = math.ceil(8 / step)
    edges = [0.5 * math.erf((k - 0.5) * step / math.sqrt(2)) for k in range(-reach, reach + 2)]
    probabilities = [upper - lower for lower, upper in pairwise(edges)]
    return -sum(p * math.log2(p) for p in probabilities if p > 0)


def _predict(recipe: Recipe, bits: Bits) -> dict[str, int]:
    """Bytes of each part of the artifact at `bits` per class."""
    coded: dict[str, float] = dict.fromkeys(bits, 0.0)
    controls = matrices = 0
    for name, shape in parameter_shapes(recipe.model).items():
        kind = weight_class(name)
        if kind == "control":
            controls += shape.numel()
        else:
            rows = shape.numel() // shape[-1]
            coded[kind] += (shape.numel() * gaussian_entropy(bits[kind]) + rows * ROW_CLASS_BITS) / 8
            matrices += shape.numel() // (shape[-1] * shape[-2])
    tokenizer = recipe.model.vocab_size * TOKENIZER_BYTES_PER_PIECE if recipe.text.tokenizer == "bpe" else 16
    return {
        "container": CONTAINER_BYTES,
        "tokenizer": round(tokenizer),
        "steps": 4 * matrices,
        "controls": 2 * controls,
        **{kind: round(size) + HISTOGRAM_BYTES if size else 0 for kind, size in coded.items()},
    }
