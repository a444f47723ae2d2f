"""Before any training: how large the model is, what a token costs, and how large its artifact will be."""

from dataclasses import asdict, dataclass

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.gpt import parameter_shapes
from bytegolf.model.weights import Bits
from bytegolf.packing.allocate import GRIDS, TRELLISES, BudgetTooSmallError, highest_level
from bytegolf.packing.baseline import class_widths
from bytegolf.packing.size_model import predict_sections


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
    steps: int | None = None  # that this machine will take at least, where it was measured

    @property
    def predicted_bytes(self) -> int:
        return sum(self.predicted.values())

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "predicted_bytes": self.predicted_bytes}


def plan_artifact(recipe: Recipe) -> Plan:
    """Predict the artifact from the architecture alone, by the recipe's own method, taking the weights of each matrix as normal."""
    bits, fits = _expected_bits(recipe)
    predicted = predict_sections(recipe, bits)
    parameters = sum(shape.numel() for shape in parameter_shapes(recipe.model).values())
    return Plan(recipe.name, parameters, training_flops_per_token(recipe), bits, predicted, recipe.pack.budget, fits)


def _expected_bits(recipe: Recipe) -> tuple[Bits, bool]:
    """What pack will give each class, and whether that fits."""
    pack = recipe.pack

    def size_at(bits: Bits) -> int:
        return sum(predict_sections(recipe, bits).values())

    if pack.method == "baseline":
        widths = class_widths(pack)
        return widths, size_at(widths) <= pack.budget
    allocation = TRELLISES if pack.method == "rate" else GRIDS
    ends = allocation.lowest_level, allocation.highest_level
    try:
        return allocation.bits(pack, highest_level(lambda level: size_at(allocation.bits(pack, level)), pack.budget, *ends)), True
    except BudgetTooSmallError:
        return allocation.bits(pack, allocation.lowest_level), False
