"""Describe the folder of a sweep: its recipe, its record, and a run folder for each cell."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.recipes import read_recipe, recipe_toml
from bytegolf.storage.files import atomic_folder, write_atomically, write_json
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.training.run_record import difference


class SweepRecord(BaseModel):
    """What a `sweep.json` says of how its cells are run, as far as cells that come later depend on it."""

    model_config = ConfigDict(frozen=True)

    data_sha256: str
    threads: int = Field(ge=0, le=1 << 16)  # of each cell, as another number gives other last bits; 0 is not fixed


@dataclass(frozen=True)
class SweepFolder:
    """The folder of one sweep."""

    root: Path

    @property
    def recipe(self) -> Path:
        """Return the path of the recipe that all cells share, with what every one of them sets."""
        return self.root / "recipe.toml"

    @property
    def record(self) -> Path:
        """Return the path of the sweep's record: its cells, and what they came to so far."""
        return self.root / "sweep.json"

    def run(self, cell: str) -> RunFolder:
        """Return the run folder of a cell."""
        return RunFolder(self.root / "cells" / cell)

    def log(self, cell: str) -> Path:
        """Return the path of what the commands of a cell printed."""
        return self.root / "logs" / f"{cell}.log"

    def require_same(self, recipe: Recipe, data_sha256: str) -> SweepRecord | None:
        """Return the record of a sweep that is to be continued, or None where a sweep can begin.

        Raises InputError if it began with another recipe or other data, and ParameterError if the folder holds something else.
        """
        if not self.root.exists() or all(path.name.startswith(".") for path in self.root.iterdir()):
            return None
        if not (self.recipe.exists() and self.record.exists()):
            raise ParameterError("out", f"expected a new folder, an empty one or a sweep, found something else in {self.root}")
        changed = difference(read_recipe(self.recipe), recipe)
        if changed:
            raise InputError(f"{self.root}: expected the recipe the sweep began with, found {changed}; choose another folder for it")
        record = read_record(self.record, SweepRecord, "the record of a sweep")
        if record.data_sha256 != data_sha256:
            raise InputError(f"{self.root}: expected the data the sweep began with, found another; choose another folder for it")
        return record

    def begin(self, recipe: Recipe, record: object) -> None:
        """Make the folder, with the recipe and the first record in it, all at once."""
        with atomic_folder(self.root) as partial:
            made = SweepFolder(partial)
            write_atomically(made.recipe, recipe_toml(recipe))
            write_json(made.record, record)
