"""bytegolf: train, pack and prove the best language model that fits in N bytes.

The verbs of the command line as functions on the same objects:

    import bytegolf as bg
    recipe = bg.load_recipe("tiny")
    bg.prepare(["stdlib"], Path("data"), vocab_size=recipe.model.vocab_size)
    bg.train(recipe, Path("data"), Path("run"))
    bg.pack(Path("run"), budget=1_000_000)
    bg.score(Path("run/artifact.bgz"), Path("data"), "sliding").bpb
"""

from importlib import import_module

_HOMES = {
    "load_recipe": "bytegolf.recipes",
    "prepare": "bytegolf.text.prepare",
    "InputError": "bytegolf.errors",
    **dict.fromkeys(("plan", "quickstart", "import_checkpoint", "load_artifact", "load_model", "compress", "decompress"), "bytegolf.flow"),
}
_ROOMS = ("train", "pack", "score", "prove", "report")  # packages that can be called

__all__ = sorted([*_HOMES, *_ROOMS])


def __getattr__(name: str) -> object:
    """Load what is asked for when it is first used, so that importing the package costs nothing."""
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
