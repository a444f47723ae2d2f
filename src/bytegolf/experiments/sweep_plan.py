"""A sweep as it is asked for: what is to be done for each cell, and what all have come to so far."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bytegolf.config import Recipe
from bytegolf.contest.run_scores import RunScore
from bytegolf.errors import InputError
from bytegolf.experiments.grid import Cell
from bytegolf.experiments.measure import Measure
from bytegolf.experiments.progress import share_done
from bytegolf.experiments.results import CellResult, SweepResult, configuration_results
from bytegolf.experiments.sweep_folder import SweepFolder
from bytegolf.experiments.work import Work
from bytegolf.storage.files import write_json


@dataclass(frozen=True)
class SweepPlan:
    """A sweep: its cells, the folder that holds them, and how each is measured."""

    folder: SweepFolder
    recipe: Recipe
    data: Path
    tokenizer: Path | None
    data_sha256: str
    cells: tuple[Cell, ...]
    measure: Measure
    ladder: bool = False  # each configuration is compared with the one before
    threads: int = 0  # of each cell; 0 is as many as it finds

    def begin(self, threads: int) -> tuple["SweepPlan", SweepResult]:
        """Make the folder, or write its record anew, and return the plan with a number of threads and the sweep as it stands."""
        plan = replace(self, threads=threads)
        result = plan.result({})
        if self.folder.record.exists():
            write_json(self.folder.record, result.to_json())
        else:
            self.folder.begin(self.recipe, result.to_json())
        return plan, result

    def missing(self, result: SweepResult) -> list[Work]:
        """Return the work for all cells that are not finished."""
        return [self.work(cell) for cell, found in zip(self.cells, result.cells, strict=True) if found.state != "finished"]

    def work(self, cell: Cell) -> Work:
        """Return what has to be done for a cell."""
        root = SweepFolder(self.folder.root.resolve())
        settings = [word for override in cell.overrides for word in ("--set", override)]
        tokenizer = ("--tokenizer", str(self.tokenizer.resolve())) if self.tokenizer else ()
        return Work(
            cell.name,
            root.run(cell.name).root,
            root.log(cell.name),
            (str(root.recipe), *settings),
            ("--data", str(self.data.resolve()), *tokenizer),
            self.measure,
            self.threads,
        )

    def result(self, errors: Mapping[str, str]) -> SweepResult:
        """Return the sweep as it stands; `errors` say of cells why they failed."""
        scores: dict[str, RunScore] = {}
        cells = []
        for cell in self.cells:
            run = self.folder.run(cell.name)
            told = (cell.name, cell.configuration.name, cell.seed, str(run.root))
            try:
                found = self.measure.measured(run)
            except InputError as error:
                cells.append(CellResult(*told, "failed", error=str(error)))
                continue
            if found:
                scores[cell.name] = found.score
                cells.append(CellResult(*told, "finished", found.score.bpb, found.bytes, found.seconds))
            else:
                cells.append(CellResult(*told, "failed" if cell.name in errors else "waiting", error=errors.get(cell.name)))
        return SweepResult(
            str(self.folder.root),
            self.recipe.name,
            self.measure.figure,
            self.data_sha256,
            self.threads,
            tuple(cells),
            configuration_results(cells, scores, self.ladder),
        )

    def percent(self, result: SweepResult) -> float:
        """Return what part of the work is done; nothing is left to be done for what failed."""
        shares = (1.0 if cell.state != "waiting" else share_done(self.folder.run(cell.name)) for cell in result.cells)
        return 100 * sum(shares) / len(result.cells)
