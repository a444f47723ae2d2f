"""Translate the baseline's command lines: environment variables to a recipe, its data and a run folder.

Variables are read strictly. A name that is nearly one of the baseline's is refused, because the baseline silently
ignored mistyped variables; so are combinations of settings that the baseline accepted but did not follow.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError, create_model
from pydantic.fields import FieldInfo

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.recipe_table import RecipeTable
from bytegolf.recipes import load_recipe, override_recipe, recipe_toml, validate_recipe
from bytegolf.recipes.rules import Given, ruled
from bytegolf.recipes.similar import nearest_variable
from bytegolf.recipes.variables import VARIABLES, Value

SCRIPT_DEFAULTS = ("v2_full", ["train.max_seconds=600"])  # what the baseline does if no variable is set
RUNS = Path("runs")


@dataclass(frozen=True)
class BaselineCommand:
    """The recipe, data and run folder of a baseline command line. `mapping` explains them, with one line per variable."""

    recipe: Recipe
    data: Path
    tokenizer: Path | None
    out: Path
    mapping: tuple[str, ...]


def read_environment(
    environment: Mapping[str, str],
    recipe: str | None = None,
    overrides: Sequence[str] = (),
    *,
    data: Path | None = None,
    tokenizer: Path | None = None,
    out: Path | None = None,
) -> BaselineCommand:
    """Return what the baseline's variables in `environment` ask for; arguments take precedence over them.

    A variable that is not set has the baseline's default or, if `recipe` is given, the recipe's value.
    Raises InputError for a name that is nearly a variable, a value of the wrong type or range, and contradictions.
    """
    given = _given(environment)
    base = load_recipe(recipe) if recipe else load_recipe(*SCRIPT_DEFAULTS)
    resolved = _resolve(given, base, overrides)
    mapping = tuple(f"{name}={environment[name]}: {_decided(name, value, resolved)}" for name, value in given.items())
    return BaselineCommand(
        resolved,
        data or Path(str(given.get("DATA_PATH", VARIABLES["DATA_PATH"].default))),
        tokenizer or (Path(str(given["TOKENIZER_PATH"])) if "TOKENIZER_PATH" in given else None),
        out or RUNS / str(given.get("RUN_ID", _identity(resolved))),
        mapping,
    )


def _given(environment: Mapping[str, str]) -> Given:
    """Return the values of the baseline's variables that are set. Raises InputError for a misspelled name or an invalid value."""
    for name in sorted(environment.keys() - VARIABLES.keys()):
        if near := nearest_variable(name):
            raise InputError(f"{name}: expected a variable of the baseline, found none; did you mean {near}? If not, unset it")
    given = {name: _read(name, environment[name], variable.kind) for name, variable in VARIABLES.items() if name in environment}
    run = str(given.get("RUN_ID", "a name"))
    if run == ".." or Path(run).name != run:
        raise InputError(f"RUN_ID: expected the name of a folder, found {run!r}")
    return given


def _read(name: str, text: str, kind: FieldInfo) -> Value:
    """Return the value of a variable. Raises InputError if it has the wrong type or is out of range."""
    field: dict[str, Any] = {"value": (kind.annotation, kind)}
    try:
        return create_model("Variable", __base__=RecipeTable, **field).model_validate({"value": _plain(text, kind)}).model_dump()["value"]
    except ValidationError as error:
        raise InputError(f"{name}: {error.errors()[0]['msg']}, found {text!r}") from None


def _plain(text: str, kind: FieldInfo) -> Any:
    """Parse the baseline's notation: numbers, and 0 and 1 for flags; other text is returned unchanged."""
    if kind.annotation is bool:
        return {"0": False, "1": True}.get(text, text)
    if kind.annotation is str:
        return text or None
    try:
        return float(text) if kind.annotation is float else int(text)
    except ValueError:
        return text


def _resolve(given: Given, base: Recipe, overrides: Sequence[str]) -> Recipe:
    copied = {key: value for name, value in given.items() if VARIABLES[name].copied for key in VARIABLES[name].keys}
    values = base.model_dump()
    for key, value in {**copied, **ruled(given, base)}.items():
        section, name = key.split(".")
        values[section][name] = value
    values.update(name=given.get("RUN_ID", base.name), description="from the environment")
    return override_recipe(validate_recipe(values, "of the environment"), overrides)


def _decided(name: str, value: Value, recipe: Recipe) -> str:
    """Describe the recipe keys that a variable set, with a reason where they differ from the variable's value."""
    variable, values = VARIABLES[name], recipe.model_dump()
    decided = [(key, values[section][field]) for key in variable.keys for section, field in [key.split(".")]]
    why = variable.remark.replace("`", "") if value not in [found for _, found in decided] else ""
    return "; ".join(filter(None, (", ".join(f"{key} = {found}" for key, found in decided), why)))


def _identity(recipe: Recipe) -> str:
    """Return a name for an unnamed run; all its processes, and a resumed run, get the same one."""
    return f"{recipe.name}-{hashlib.sha256(recipe_toml(recipe).encode()).hexdigest()[:8]}"
