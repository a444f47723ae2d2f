"""The facts line of a review: what the script trains, and how long it is."""

from collections.abc import Mapping

from bytegolf.contest.case import Case

NAMES = {
    "layers": ("num_layers", "n_layer", "n_layers"),
    "width": ("model_dim", "n_embd", "dim", "d_model"),
    "heads": ("num_heads", "n_head", "n_heads"),
    "kv_heads": ("num_kv_heads", "n_kv_heads"),
    "vocabulary": ("vocab_size",),
}


def facts_of(case: Case) -> dict[str, int | None]:
    """Return layers, width, heads and vocabulary as the script was run, None where that cannot be told."""
    return {fact: _first(case, names) for fact, names in NAMES.items()}


def _first(case: Case, names: tuple[str, ...]) -> int | None:
    for name in names:
        logged: Mapping[str, object] = case.attributes
        values = [logged[name]] if name in logged else [case.constant(name)]
        for value in values:
            if isinstance(value, int) and not isinstance(value, bool):
                return value
    return None
