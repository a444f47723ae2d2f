"""A run -> the best artifact that fits."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bytegolf.artifact.finished_run import FinishedRun, read_run
from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.flow.models import require_same_tokenizer
from bytegolf.flow.score import ScoreOptions, score_dataset
from bytegolf.model.shapes import parameter_count
from bytegolf.model.weights import Bits, Weights
from bytegolf.names import CoderName, MethodName
from bytegolf.packing.displacement import Displacement, displacements
from bytegolf.packing.fit import Fitted, fit
from bytegolf.packing.methods import prepare_ladder
from bytegolf.packing.search import BudgetTooSmallError
from bytegolf.recipes import validate_recipe
from bytegolf.runtime.device import choose_device
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.threads import on_threads
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import is_stream, record_json, write_atomically
from bytegolf.text.dataset import Dataset, open_data


@dataclass(frozen=True)
class PackResult:
    """An artifact.

    `bpb_before` and `bpb_after` are sliding scores of the run's weights and of the decoded file, if text was given, by the model alone;
    `bpb_experts` is the latter with experts, if the file has any. `tensors` says how far rounding moved each parameter.
    """

    bytes: int
    budget: int
    method: MethodName
    coder: CoderName
    parameters: int
    bits_per_weight: float  # of the complete file
    entropy_bits_per_weight: float  # of the coded integers, given their coder's histograms
    bpb_before: float | None
    bpb_after: float | None
    bpb_experts: float | None
    file: str
    bits: Bits
    sections: dict[str, int]
    tensors: dict[str, Displacement]

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return asdict(self)

    def with_scores(self, before: float, after: float, after_model: float | None) -> "PackResult":
        """Return the result with bits per byte before and after packing; after it, `after_model` is the model's beside experts."""
        alone, experts = (after, None) if after_model is None else (after_model, after)
        return replace(self, bpb_before=before, bpb_after=alone, bpb_experts=experts)


def pack(
    run: Path,
    *,
    budget: int = 0,
    reserve: int = 0,
    method: MethodName | None = None,
    coder: CoderName | None = None,
    data: Path | None = None,
    tokenizer: Path | None = None,
    out: Path | None = None,
    scored: bool = True,
) -> PackResult:
    """Pack a run's weights into at most `budget` − `reserve` bytes; budget, method and coder are the recipe's where not given.

    Methods rate and gptq learn from the training text of `data`, rate without any from text of the model's own. Held-out text
    only scores the model before and after, unless it is not to be `scored`. Raises InputError if even the smallest possible file is
    larger, or method gptq is given no data.
    """
    trained = read_run(run)
    recipe = _packed_by(trained.recipe, method, coder)
    budget = budget or recipe.pack.budget
    dataset = require_same_tokenizer(open_data(data, tokenizer), trained.tokenizer) if data else None
    file = out or trained.folder.artifact
    if dataset and scored and is_stream(file):
        raise ParameterError("out", f"expected a file, which can be read again and scored, found {file}")
    with claimed(file):
        fitted = fit_run(recipe, trained, dataset, budget, reserve)
        write_atomically(file, fitted.file.data)
        result = _result(recipe, budget, fitted, file, trained.weights)
        if dataset and scored:
            result = _scored(result, run, file, dataset)
            record_json(trained.folder.pack_to(budget, result.method), result.to_json())
        if out is None:
            record_json(trained.folder.pack, result.to_json())
    return result


def _scored(result: PackResult, run: Path, file: Path, dataset: Dataset) -> PackResult:
    """Return the result with the sliding scores of a run and of its artifact."""
    before = score_dataset(run, dataset, "sliding", ScoreOptions(experts=False))
    after = score_dataset(file, dataset, "sliding")
    return result.with_scores(before.bpb, after.bpb, after.bpb_model)


def _result(recipe: Recipe, budget: int, fitted: Fitted, file: Path, weights: Weights) -> PackResult:
    """Return the result of packing, which is not scored."""
    parameters = parameter_count(recipe.model)
    return PackResult(
        bytes=fitted.size,
        budget=budget,
        method=recipe.pack.method,
        coder=recipe.pack.coder,
        parameters=parameters,
        bits_per_weight=8 * fitted.size / parameters,
        entropy_bits_per_weight=fitted.entropy_bits_per_weight,
        bpb_before=None,
        bpb_after=None,
        bpb_experts=None,
        file=str(file),
        bits=fitted.bits,
        sections=fitted.file.sections,
        tensors=displacements(weights, fitted.artifact.decoded()),
    )


def _packed_by(recipe: Recipe, method: MethodName | None, coder: CoderName | None) -> Recipe:
    """Return the recipe with another method and coder where they are given."""
    chosen = {key: value for key, value in (("method", method), ("coder", coder)) if value is not None}
    values = recipe.model_dump()
    return validate_recipe({**values, "pack": {**values["pack"], **chosen}}, recipe.name) if chosen else recipe


def fit_run(recipe: Recipe, trained: FinishedRun, dataset: Dataset | None, budget: int, reserve: int) -> Fitted:
    """Return the largest artifact within budget − reserve. Raises ParameterError if there is none."""
    try:
        with on_threads(1):  # so that their number changes no byte
            tokens = dataset.train if dataset else None
            ladder = prepare_ladder(recipe, trained.weights, trained.tokenizer, tokens, choose_device("auto"))
            with Progress("pack", None, "tries") as progress:
                return fit(ladder, budget - reserve, lambda size: progress.advance(note=f"{size:,} bytes"))
    except BudgetTooSmallError as error:
        which = "the size of method baseline's fixed bits" if recipe.pack.method == "baseline" else "the smallest possible"
        raise ParameterError("budget", f"expected at least {error.smallest + reserve:,} bytes, {which}, found {budget:,}") from None
