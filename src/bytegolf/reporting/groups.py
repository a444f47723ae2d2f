"""Runs that differ in nothing but their seed, as groups: what is compared with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bytegolf.contest.run_scores import flat_recipe
from bytegolf.reporting.run_report import RunReport

MOST_KEYS = 3  # that name a group


@dataclass(frozen=True)
class RunGroup:
    """Runs of one configuration; `number` chooses their colour."""

    number: int
    name: str
    runs: Sequence[RunReport]


def grouped(runs: Sequence[RunReport]) -> list[RunGroup]:
    """Return the configurations in the order in which they first come, named by what they differ in, or by their only run."""
    recipes = [flat_recipe(run.recipe) for run in runs]
    members: list[tuple[dict[str, Any], list[RunReport]]] = []
    for recipe, run in zip(recipes, runs, strict=True):
        found = next((same for known, same in members if known == recipe and _same_data(same[0], run)), None)
        if found is None:
            members.append((recipe, [run]))
        else:
            found.append(run)
    names = _names(members)
    return [RunGroup(number, name, same) for number, (name, (_, same)) in enumerate(zip(names, members, strict=True))]


def coloured(groups: Sequence[RunGroup]) -> list[tuple[RunReport, int]]:
    """Return all runs, each with the number of its colour: its group's, or its own where there is one group alone."""
    several = len(groups) > 1
    return [(run, group.number if several else number) for group in groups for number, run in enumerate(group.runs)]


def differences(runs: Sequence[RunReport]) -> dict[str, list[Any]]:
    """Return the keys of recipes in which runs differ, each with the value of every run."""
    recipes = [{**flat_recipe(run.recipe), "train.seed": run.recipe.train.seed} for run in runs]
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    values = {key: [recipe.get(key) for recipe in recipes] for key in keys}
    return {key: found for key, found in values.items() if any(value != found[0] for value in found)}


def _same_data(one: RunReport, other: RunReport) -> bool:
    """Return whether two runs learned from the same data, as far as that is known: one that has not ended does not say."""
    return one.manifest is None or other.manifest is None or one.manifest["data_sha256"] == other.manifest["data_sha256"]


def _names(members: Sequence[tuple[Mapping[str, Any], Sequence[RunReport]]]) -> list[str]:
    """Return a name for each configuration: the values of a few keys, or that of the run where these do not tell them apart."""
    keys = [key for key in members[0][0] if any(recipe.get(key) != members[0][0][key] for recipe, _ in members)] if members else []
    short = [key.rpartition(".")[2] for key in keys]
    named = [", ".join(f"{word} {recipe.get(key)}" for key, word in zip(keys, short, strict=True)) for recipe, _ in members]
    if len(members) > 1 and 0 < len(keys) <= MOST_KEYS and len(set(named)) == len(named) and any(len(same) > 1 for _, same in members):
        return named
    return [same[0].name if len(same) == 1 else f"{same[0].name} and {len(same) - 1} more" for _, same in members]
