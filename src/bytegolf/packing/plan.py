"""Before any training: how large the model is, what a token costs, and how large its artifact will be."""

from dataclasses import asdict, dataclass

from bytegolf.config import Recipe
from bytegolf.model.flops import training_flops_per_token
from bytegolf.model.shapes import parameter_count
from bytegolf.model.weights import Bits
from bytegolf.packing.allocate import ALLOCATIONS
from bytegolf.packing.baseline import class_widths
from bytegolf.packing.search import BudgetTooSmallError, largest_fitting
from bytegolf.packing.size_model import predict_sections


@dataclass(frozen=True)
class Plan:
    """The size and cost of a run before it begins; `bits` are those that pack should choose, `predicted` the bytes of each section."""

    recipe: str
    parameters: int
    flops_per_token: int
    bits: Bits
    predicted: dict[str, int]
    budget: int
    fits: bool
    steps: int | None = None  # that this machine will take at least, where it was measured
    steps_capped: bool = False  # by the recipe: it will take no more

    @property
    def predicted_bytes(self) -> int:
        """Return the size of the artifact."""
        return sum(self.predicted.values())

    def to_json(self) -> dict[str, object]:
        """Return the plan as an object for JSON."""
        return {**asdict(self), "predicted_bytes": self.predicted_bytes}


def plan_artifact(recipe: Recipe) -> Plan:
    """Predict the artifact from the architecture alone, by the recipe's own method, taking the weights of each matrix as normal."""
    bits, fits = _expected_bits(recipe)
    predicted = predict_sections(recipe, bits)
    return Plan(recipe.name, parameter_count(recipe.model), training_flops_per_token(recipe), bits, predicted, recipe.pack.budget, fits)


def _expected_bits(recipe: Recipe) -> tuple[Bits, bool]:
    """Return the bits that pack will give each class, and whether they fit the budget."""
    pack = recipe.pack

    def size_of(bits: Bits) -> int:
        return sum(predict_sections(recipe, bits).values())

    if pack.method == "baseline":
        widths = class_widths(pack)
        return widths, size_of(widths) <= pack.budget
    allocation = ALLOCATIONS[pack.method]
    lowest, highest = allocation.lowest_level, allocation.highest_level
    try:
        return largest_fitting(lambda level: allocation.bits(pack, level), size_of, pack.budget, lowest, highest), True
    except BudgetTooSmallError:
        return allocation.bits(pack, lowest), False
