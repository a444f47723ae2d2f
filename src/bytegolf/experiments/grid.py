"""The cells of a sweep: every combination of the values of its grid, or every row of a file of changes, with every seed."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.experiments.changes_file import ChangesFile, read_changes
from bytegolf.recipes import override_recipe
from bytegolf.training.run_record import difference

SEED = "train.seed"
LONGEST_NAME = 160  # characters, of the 255 bytes that a file name may have


class GridAxis(NamedTuple):
    """A key of the recipe and the values that it takes in a sweep, as `--set` reads them."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class SweptRecipe:
    """What the cells of one row of a sweep have in common: settings and the recipe that they give."""

    overrides: tuple[str, ...]  # section.key=value
    recipe: Recipe
    title: str = ""

    @property
    def name(self) -> str:
        """Return the title, or without one the settings, or the name of the recipe if there are none."""
        return self.title or " ".join(self.overrides) or self.recipe.name


@dataclass(frozen=True)
class SweepGrid:
    """The rows of a sweep, each compared with the first one, or on a ladder with the one before."""

    rows: tuple[SweptRecipe, ...]
    ladder: bool = False


@dataclass(frozen=True)
class Cell:
    """One run of a sweep."""

    configuration: SweptRecipe
    seed: int

    @property
    def overrides(self) -> tuple[str, ...]:
        """Return all settings of the run."""
        return (*self.configuration.overrides, f"{SEED}={self.seed}")

    @property
    def name(self) -> str:
        """Return the name of the run's folder: its settings in letters that every shell and file system takes as they are.

        A row with a title has the digest of its settings beside it, so that a row that is changed later has runs of its own.
        """
        row = self.configuration
        said = (f"{row.title}-{_digest(' '.join(row.overrides))}",) if row.title else row.overrides
        told = "+".join((*said, f"seed={self.seed}"))
        plain = re.sub(r"[^\w.=+-]", "_", told, flags=re.ASCII)[:LONGEST_NAME]
        return plain if plain == told else f"{plain}-{_digest(told)}"


def parse_axis(text: str) -> GridAxis:
    """Return the axis that `section.key=a,b` describes. Raises ParameterError for anything else."""
    key, _, listed = (part.strip() for part in text.partition("="))
    values = tuple(value.strip() for value in listed.split(","))
    if not re.fullmatch(r"\w+\.\w+", key) or not all(values):
        raise ParameterError("grid", f"expected section.key=value,value, found {text!r}")
    if key == SEED:
        raise ParameterError("grid", f"expected another key than {SEED}, whose values are the seeds of the sweep")
    return GridAxis(key, values)


def grid_of(recipe: Recipe, grid: Sequence[str]) -> SweepGrid:
    """Return the rows of a sweep: every combination of the values of axes, the first varying slowest, or those of a FILE.toml.

    Without any there is one row, the recipe. Raises InputError for an unknown key or value and for a file that is none, and
    ParameterError for an axis that is none, a key that comes twice, rows that are the same, and a file beside anything else.
    """
    file = next((text for text in grid if text.endswith(".toml")), None)
    if file is None:
        found = SweepGrid(tuple(_combinations(recipe, [parse_axis(text) for text in grid])))
    elif len(grid) > 1:
        raise ParameterError("grid", f"expected {file} by itself, found {len(grid)} grids; name every row in the file")
    else:
        found = _written(recipe, read_changes(Path(file)))
    for index, row in enumerate(found.rows):
        alike = next((other for other in found.rows[:index] if not difference(other.recipe, row.recipe)), None)
        if alike:
            raise ParameterError("grid", f"expected different values, found {alike.name} and {row.name} to be the same")
    return found


def _combinations(recipe: Recipe, axes: Sequence[GridAxis]) -> Iterator[SweptRecipe]:
    for index, axis in enumerate(axes):
        if axis.key in (other.key for other in axes[:index]):
            raise ParameterError("grid", f"expected each key once, found {axis.key} twice; list all its values in one")
    for values in product(*(axis.values for axis in axes)):
        overrides = tuple(f"{axis.key}={value}" for axis, value in zip(axes, values, strict=True))
        yield SweptRecipe(overrides, override_recipe(recipe, overrides))


def _written(recipe: Recipe, changes: ChangesFile) -> SweepGrid:
    """Return the rows of a file: each the recipe with its own changes, on a ladder with those of the rows before it as well."""
    rows: list[SweptRecipe] = []
    overrides: dict[str, str] = {}
    for title, own in changes.rows.items():
        if SEED in own:
            raise ParameterError("grid", f"expected another key than {SEED}, whose values are the seeds of the sweep")
        overrides = {**overrides, **own} if changes.ladder else own
        settings = tuple(f"{key}={value}" for key, value in overrides.items())
        rows.append(SweptRecipe(settings, override_recipe(recipe, settings), title))
    return SweepGrid(tuple(rows), changes.ladder)


def cells_of(configured: Sequence[SweptRecipe], seeds: Sequence[int]) -> list[Cell]:
    """Return the cells of a sweep, seed by seed, so that every configuration has run once before any runs twice.

    Raises ParameterError for no seed, for one that is none, and for one that comes twice.
    """
    if not seeds:
        raise ParameterError("seeds", "expected at least one seed, found none")
    for index, seed in enumerate(seeds):
        if seed < 0:
            raise ParameterError("seeds", f"expected seeds of at least 0, found {seed}")
        if seed in seeds[:index]:
            raise ParameterError("seeds", f"expected every seed once, found {seed} twice")
    return [Cell(configuration, seed) for seed in seeds for configuration in configured]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
