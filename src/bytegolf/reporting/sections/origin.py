"""What the runs were made by: machine, versions, and the recipe in full."""

from collections.abc import Sequence

from bytegolf.contest.run_scores import flat_recipe
from bytegolf.reporting.groups import RunGroup
from bytegolf.reporting.markup import Markup, facts, section, table, tag
from bytegolf.reporting.wording import UNKNOWN

LABELS = {
    "processor": "processor", "cpus": "cores", "machine": "machine", "platform": "platform", "python": "Python", "torch": "torch",
    "numpy": "numpy", "sentencepiece": "sentencepiece", "constriction": "constriction", "code_sha256": "SHA-256 of the code",
    "data_sha256": "of the data", "tokenizer_sha256": "of the tokenizer",
}  # fmt: skip
HASH_SHOWN = 16


def origin_section(groups: Sequence[RunGroup]) -> Markup:
    """Return machine and versions of finished runs, and every key of the recipes, a column for each configuration."""
    finished = [(run, run.manifest) for group in groups for run in group.runs if run.manifest]
    found = [(label, [_short(key, manifest.get(key)) for _, manifest in finished]) for key, label in LABELS.items()]
    rows = [(label, values) for label, values in found if any(value != UNKNOWN for value in values)]
    if not finished:
        machine = tag("p", "A run says what made it when it has ended.")
    elif all(len(set(values)) == 1 for _, values in rows):
        machine = facts([(label, values[0]) for label, values in rows])
    else:
        machine = table(["", *(run.name for run, _ in finished)], [[label, *values] for label, values in rows], "facts")
    recipes = [flat_recipe(group.runs[0].recipe) for group in groups]
    keys = [[key, *(str(recipe.get(key)) for recipe in recipes)] for key in recipes[0]]
    keys.append(["train.seed", *(", ".join(str(run.recipe.train.seed) for run in group.runs) for group in groups)])
    recipe = tag("details", tag("summary", "The recipe in full"), table(["key", *(group.name for group in groups)], keys, "facts"))
    return section("origin", "Machine and versions", machine, recipe)


def _short(key: str, value: object) -> str:
    if value is None:
        return UNKNOWN
    return str(value)[:HASH_SHOWN] if key.endswith("sha256") else str(value)
