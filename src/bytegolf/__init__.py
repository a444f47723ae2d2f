"""bytegolf: train, pack and prove the best language model that fits in N bytes.

The verbs of the command line are functions here, on the same objects:

    import bytegolf as bg
    recipe = bg.load_recipe("tiny")
    bg.prepare(["stdlib"], Path("data"), vocab=recipe.model.vocab_size)
    bg.train(recipe, Path("data"), Path("run"))
    bg.pack(Path("run"), budget=1_000_000)
    bg.score(Path("run/artifact.bgz"), Path("data"), "sliding").bpb
"""

TYPE_CHECKING = False  # which type checkers take for True; typing takes longer to import than all that runs here
if TYPE_CHECKING:
    from bytegolf.api import *  # noqa: F403

__all__ = [  # noqa: F405
    "Artifact",
    "AuditOptions",
    "AuditReport",
    "BaselineResult",
    "BenchResult",
    "CompressionResult",
    "DataManifest",
    "ImportResult",
    "InputError",
    "LoadedModel",
    "PackResult",
    "Plan",
    "QuickstartResult",
    "Receipt",
    "Recipe",
    "Review",
    "Score",
    "TrainResult",
    "audit",
    "bench",
    "compress",
    "decompress",
    "import_checkpoint",
    "load_artifact",
    "load_model",
    "load_recipe",
    "pack",
    "plan",
    "prepare",
    "prove",
    "quickstart",
    "report",
    "review",
    "score",
    "train",
    "train_baseline",
    "verify",
]


def __getattr__(name: str) -> object:
    """Load the API when a name of it is first used, so that importing the package costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import bytegolf.api

    return getattr(bytegolf.api, name)


def __dir__() -> list[str]:
    """List what the package offers."""
    return __all__
