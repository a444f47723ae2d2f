"""Load recipes: TOML files in this package, or a user's own.

A recipe may extend another one by name or path, and overrides `section.key=value` change single keys. Overrides take
precedence over the recipe, the recipe over those it extends, and those over the defaults. An unknown key is refused,
and the error suggests the nearest valid name.
"""

import difflib
import reprlib
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError

# Folders of recipes in this package, each with the title of its group.
GROUPS = {
    "": "bytegolf's own",
    "baseline_timed": "presets of the baseline for the contest: ten minutes, on eight H100s",
    "baseline_steps": "presets of the baseline that take a number of steps: ablations and proxies on one GPU",
}
# Presets of the baseline that were dropped or never written, with the advice to give instead.
RETIRED = {
    "v5_rownorm": "row-normalised updates hurt quality; use v7_ve",
    "v6_parallel": "banks that only looked like some gave no speed; use v7_ve",
    "trigram": "was announced and never written; use 12l_bqat_trig for trigrams, or v7_ve, which does without",
}


def load_recipe(recipe: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Resolve a recipe name or TOML path, with `section.key=value` overrides.

    Raises InputError for an unknown recipe, key or value.
    """
    return _with_overrides(_resolve(str(recipe), Path.cwd(), seen=()), overrides, str(recipe))


def read_recipe(path: Path) -> Recipe:
    """Return the recipe that a run or a sweep keeps, in which every key stands. Raises InputError if the file holds none."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path}: expected the recipe of a run, found {error}") from None
    return validate_recipe(_parsed(text, str(path)), str(path))


def override_recipe(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a resolved recipe with `section.key=value` overrides applied. Raises InputError for an unknown key or value."""
    return _with_overrides(recipe.model_dump(), overrides, recipe.name)


def validate_recipe(values: Mapping[str, Any], source: str) -> Recipe:
    """Return a Recipe made from nested plain values. Raises InputError that names `source` and the offending key."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise InputError(f"recipe {source}: {_explain(error)}") from None


def recipe_groups() -> dict[str, list[str]]:
    """Return the names of the recipes in this package, by the title of their group."""
    return {title: sorted(_in(folder)) for folder, title in GROUPS.items()}


def recipe_names() -> list[str]:
    """Return the names of all recipes in this package."""
    return sorted(name for names in recipe_groups().values() for name in names)


def _with_overrides(values: dict[str, Any], overrides: Sequence[str], source: str) -> Recipe:
    for override in overrides:
        _merge(values, _parse_override(override))
    return validate_recipe(values, source)


def _in(folder: str) -> dict[str, Traversable]:
    """Return the recipes in a folder of this package, by name."""
    entries = resources.files(__package__).joinpath(folder).iterdir()
    return {Path(entry.name).stem: entry for entry in entries if entry.name.endswith(".toml")}


def _resolve(recipe: str, folder: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    text, key = _read(recipe, folder)
    if key in seen:
        raise InputError(f"recipe {recipe}: extends itself through {' -> '.join((*seen, key))}")
    values = _parsed(text, recipe)
    parent = values.pop("extends", None)
    if parent is None:
        return values
    base = _resolve(str(parent), Path(key).parent, (*seen, key))
    _merge(base, values)
    return base


def _parsed(text: str, source: str) -> dict[str, Any]:
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "; TOML writes true, false and 0.5, not True, False and .5" if "Invalid value" in str(error) else ""
        raise InputError(f"recipe {source}: expected TOML, found {error}{hint}") from None
    if not values:
        raise InputError(f"recipe {source}: expected keys of a recipe, found none")
    return values


def _read(recipe: str, folder: Path) -> tuple[str, str]:
    """Return the text of a recipe and the name or path that identifies it."""
    for group in map(_in, GROUPS):
        if recipe in group:
            return group[recipe].read_text("utf-8"), recipe
    path = folder / recipe
    try:
        return path.read_text("utf-8-sig"), str(path.resolve())
    except UnicodeDecodeError as error:
        raise InputError(f"recipe {path}: expected UTF-8, found {error.reason} at byte {error.start}") from None
    except (OSError, ValueError) as error:
        if recipe in RETIRED:
            raise InputError(f"recipe {recipe}: {RETIRED[recipe]}") from None
        known = f"expected one of {', '.join(sorted(_in('')))}, a preset that `bytegolf recipes` lists, or a TOML file"
        found = f"{recipe!r} ({error.strerror if isinstance(error, OSError) else error})"
        raise InputError(f"recipe: {known}, found {found}{_suggestion(recipe, recipe_names())}") from None


def _merge(base: dict[str, Any], update: Mapping[str, Any]) -> None:
    """Change the keys of `base` that `update` has, those of a section one by one."""
    for key, value in update.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            base[key] = {**base[key], **value}
        else:
            base[key] = value


def _parse_override(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and section and dot and name):
        raise ParameterError("overrides", f"expected section.key=value, found {override!r}; bytegolf recipes NAME lists the keys")
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        parsed = {"value": _python_value(text.strip())}
    if len(parsed) > 1:
        raise ParameterError("overrides", f"expected one value for {key}, found {text!r}")
    return {section: {name: parsed["value"]}}


def _python_value(text: str) -> Any:
    """Return the boolean or number that Python writes so and TOML does not: True, .5, 5. and 007; else the bare word itself."""
    if text in ("True", "False"):
        return text == "True"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _explain(error: ValidationError) -> str:
    """Return pydantic's first error as one line."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}{_nearest(path[-1], _keys(path[:-1]))}"
    if first["type"] == "value_error":
        return f"{key}.{first['ctx']['error']}"
    return f"{key}: {first['msg']}, found {reprlib.repr(first['input'])}"  # it may be nested beyond what Python prints


def _keys(path: Sequence[str]) -> list[str]:
    """Return the valid keys of the section at `path`."""
    section: type[BaseModel] = Recipe
    for part in path:
        annotation = section.model_fields[part].annotation
        assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
        section = annotation
    return list(section.model_fields)


def _nearest(name: str, known: Sequence[str]) -> str:
    return _suggestion(name, known) or (f"; expected one of {', '.join(known)}" if known else "")


def _suggestion(name: str, known: Sequence[str]) -> str:
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return f"; did you mean {match[0]}?" if match else ""
