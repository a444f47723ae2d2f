"""A recipe, a grid and seeds -> many runs, compared."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from bytegolf.config import Recipe
from bytegolf.errors import InterruptedRunError, ParameterError
from bytegolf.experiments.grid import cells_of, grid_of
from bytegolf.experiments.local import Room
from bytegolf.experiments.measure import Measure
from bytegolf.experiments.on_ray import RayPlace
from bytegolf.experiments.results import SweepResult
from bytegolf.experiments.sweep_folder import SweepFolder
from bytegolf.experiments.sweep_plan import SweepPlan
from bytegolf.experiments.work import CellOutcome, Work
from bytegolf.flow.train import require_trainable
from bytegolf.names import PlaceName, ProtocolName
from bytegolf.runtime.progress import Progress, say
from bytegolf.runtime.ray_cluster import on_cluster
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import write_json
from bytegolf.text.dataset import open_data


def sweep(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    seeds: Sequence[int],
    grid: Sequence[str] = (),
    tokenizer: Path | None = None,
    score: ProtocolName | None = None,
    pack: bool = False,
    jobs: int = 0,
    threads: int = 0,
    on: PlaceName | None = None,
) -> SweepResult:
    """Train a recipe with every combination of the grid's values ("section.key=a,b") and every seed, and compare what comes out.

    A grid can also be one file, "FILE.toml", that names changes row by row (docs/sweep.md).
    Each run is a process of its own, `jobs` of them at a time on `threads` threads each, or as many as this machine has room for;
    `on` "ray" as many as there is room for on a Ray cluster. Runs are compared by the score that training ends with, or by that of
    the protocol `score`; with `pack`, by the score of their artifacts. What `out` holds already of the same sweep is kept, and what
    is missing is done. A run that fails stops no other; the result has its error.

    Raises InputError for a key or value that no recipe has, for a folder whose sweep began with another recipe or other data, and
    for a cluster that is not there; InterruptedRunError, after which the same call continues.
    """
    measure = Measure(score, pack)
    with (
        _claimed_plan(recipe, data, out, seeds, grid, tokenizer, measure) as (plan, begun),
        _place(on, len(plan.cells), jobs, threads or begun, recipe.train.device) as place,
    ):
        plan, result = plan.begin(place.threads)
        say(f"sweep {recipe.name}: {len(plan.cells)} cells, {place}")
        return _followed(plan, result, place.run(plan.missing(result)))


def sweep_commands(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    seeds: Sequence[int],
    grid: Sequence[str] = (),
    tokenizer: Path | None = None,
    score: ProtocolName | None = None,
    pack: bool = False,
    threads: int = 0,
) -> list[str]:
    """Return a line for a shell for each run of a sweep that is missing, which any scheduler may run, and run again, in any order.

    They run on `threads` threads, or as many as they find. `sweep` on the same folder then compares what they made. Arguments and
    errors are those of `sweep`.
    """
    with _claimed_plan(recipe, data, out, seeds, grid, tokenizer, Measure(score, pack)) as (plan, begun):
        plan, result = plan.begin(threads or begun)
        return [work.commands() for work in plan.missing(result)]


@contextmanager
def _claimed_plan(
    recipe: Recipe, data: Path, out: Path, seeds: Sequence[int], grid: Sequence[str], tokenizer: Path | None, measure: Measure
) -> Iterator[tuple[SweepPlan, int]]:
    """Keep the folder of a sweep for this process, and provide its plan and the threads that its cells began with, if it began."""
    swept = grid_of(recipe, grid)
    cells, dataset = cells_of(swept.rows, seeds), open_data(data, tokenizer)
    for row in swept.rows:
        require_trainable(row.recipe, dataset)
    with claimed(out, folder=True):
        folder = SweepFolder(out)
        begun = folder.require_same(recipe, dataset.sha256)
        yield SweepPlan(folder, recipe, data, tokenizer, dataset.sha256, tuple(cells), measure, swept.ladder), begun.threads if begun else 0


class CellRunner(Protocol):
    """Where cells are run, and on how many threads each."""

    @property
    def threads(self) -> int:
        """Return the number of threads of a cell."""
        ...

    def run(self, works: Sequence[Work]) -> Generator[CellOutcome | None]:
        """Do all works and yield each outcome, or None every second; when closed, stop what still runs."""
        ...


@contextmanager
def _place(on: PlaceName | None, cells: int, jobs: int, threads: int, device: str) -> Iterator[CellRunner]:
    """Provide the place for a number of cells: this machine, or a Ray cluster."""
    if on is None:
        yield Room.of(cells, jobs, threads, device)
        return
    if jobs:
        raise ParameterError("jobs", f"cannot be combined with on {on}, which runs as many as it has room for")
    with on_cluster() as cluster:
        yield RayPlace.of(cluster, cells, threads, device)


def _followed(plan: SweepPlan, result: SweepResult, outcomes: Generator[CellOutcome | None]) -> SweepResult:
    """Follow cells to their ends, keep the record up to date, and return the result."""
    errors: dict[str, str] = {}
    try:
        with closing(outcomes), Progress("sweep", 100.0, "%", done=plan.percent(result)) as progress:
            for outcome in outcomes:
                if outcome is not None:
                    if outcome.error is not None:
                        errors[outcome.work.name] = outcome.error
                        say(f"{outcome.work.name}: failed, {outcome.error}")
                    result = plan.result(errors)
                    write_json(plan.folder.record, result.to_json())
                progress.advance(plan.percent(result) - progress.done, f"{result.finished} of {len(result.cells)} cells finished")
    except KeyboardInterrupt:
        stopped = f"stopped with {plan.result(errors).finished} of {len(result.cells)} cells finished"
        raise InterruptedRunError(f"{plan.folder.root}: {stopped}; the same command continues") from None
    return result
