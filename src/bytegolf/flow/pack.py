"""Pack a run into the best artifact that fits the budget."""

from pathlib import Path

from bytegolf.artifact.finished_run import FinishedRun, read_run
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.flow.models import require_same_tokenizer
from bytegolf.flow.results import PackResult
from bytegolf.flow.score import score_and_record
from bytegolf.model.gpt import model_from_weights, parameter_count
from bytegolf.model.weights import Weights
from bytegolf.names import CoderName, MethodName
from bytegolf.packing.allocate import BudgetTooSmallError
from bytegolf.packing.calibration import calibrate
from bytegolf.packing.fit import Ladder, baseline_ladder, fit, grid_ladder, lattice_ladder
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.rate import calibrated_lattices
from bytegolf.packing.rounding import Rounding
from bytegolf.recipes import validate_recipe
from bytegolf.runtime.device import choose_device
from bytegolf.runtime.progress import Progress
from bytegolf.runtime.threads import on_threads
from bytegolf.storage.files import write_atomically, write_json
from bytegolf.text.dataset import Dataset, open_data


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
    """Pack a run's weights into at most `budget` − `reserve` bytes.

    Budget, method and coder default to the recipe's. Methods rate and gptq learn from the training text of `data`; without
    data, rate learns from text that the model generates. Held-out text is only used to score the model before and after
    packing, if `scored`. Raises InputError if even the smallest possible file is larger than allowed, or if method gptq is
    given no data.
    """
    trained = read_run(run)
    recipe = _packed_by(trained.recipe, method, coder)
    dataset = require_same_tokenizer(open_data(data, tokenizer), trained.tokenizer) if data else None
    budget, method = budget or recipe.pack.budget, recipe.pack.method
    try:
        with on_threads(1):  # so that the number of threads does not change the file
            ladder = _ladder(recipe, trained, dataset)
            with Progress("pack", None, "tries") as progress:
                fitted = fit(ladder, budget - reserve, lambda size: progress.advance(note=f"{size:,} bytes"))
    except BudgetTooSmallError as error:
        which = "the size of the baseline's fixed bits" if method == "baseline" else "the smallest possible"
        raise InputError(f"--budget: expected at least {error.smallest + reserve:,} bytes, {which}, found {budget:,}") from None
    file = out or trained.folder.artifact
    write_atomically(file, fitted.file.data)
    before = after = None
    if dataset and scored:
        before, after = (score_and_record(source, dataset, "sliding").bpb for source in (run, file))
    parameters, size = parameter_count(recipe.model), len(fitted.file.data)
    result = PackResult(
        size,
        budget,
        method,
        recipe.pack.coder,
        parameters,
        8 * size / parameters,
        fitted.entropy_bits_per_weight,
        before,
        after,
        str(file),
        fitted.bits,
        fitted.file.sections,
    )
    if out is None:
        write_json(trained.folder.pack, result.to_json())
    return result


def _packed_by(recipe: Recipe, method: MethodName | None, coder: CoderName | None) -> Recipe:
    """Return the recipe with the given method and coder, where they are not None."""
    chosen = {key: value for key, value in (("method", method), ("coder", coder)) if value is not None}
    values = recipe.model_dump()
    return validate_recipe({**values, "pack": {**values["pack"], **chosen}}, recipe.name) if chosen else recipe


def _ladder(recipe: Recipe, trained: FinishedRun, dataset: Dataset | None) -> Ladder:
    """Return the series of candidate files for the recipe's method, from which `fit` chooses."""
    weights, tokenizer = trained.weights, trained.tokenizer
    match recipe.pack.method:
        case "rate":
            return lattice_ladder(
                calibrated_lattices(recipe, weights, dataset.train if dataset else None, choose_device("auto")), recipe, tokenizer
            )
        case "gptq":
            return grid_ladder(weights, recipe, tokenizer, _feedback(recipe, weights, dataset))
        case "baseline":
            return baseline_ladder(weights, recipe, tokenizer)


def _feedback(recipe: Recipe, weights: Weights, dataset: Dataset | None) -> Rounding:
    """Return the rounding that compensates errors, calibrated on the inputs of the model's matrices over training text."""
    if dataset is None:
        raise InputError("--data: expected a data folder, whose training text method gptq learns from, found none")
    model = model_from_weights(recipe.model, weights, choose_device("auto"))
    with Progress("calibrate", recipe.pack.calibration_tokens, "tokens") as progress:
        return ErrorFeedback(calibrate(model, recipe, dataset.train, progress.advance), recipe.pack)
