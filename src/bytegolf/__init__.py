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

HOMES = {  # of what the package offers
    "Artifact": "bytegolf.artifact.container",
    "AuditOptions": "bytegolf.auditing.bench",
    "AuditReport": "bytegolf.auditing.audit",
    "BaselineResult": "bytegolf.flow.train_baseline",
    "BenchResult": "bytegolf.training.speed",
    "CompressionResult": "bytegolf.coding.compressor",
    "DataManifest": "bytegolf.storage.data_folder",
    "Diagnosis": "bytegolf.flow.doctor",
    "Entrant": "bytegolf.contest.submission",
    "ExportResult": "bytegolf.flow.export",
    "Generation": "bytegolf.coding.generation",
    "ImportResult": "bytegolf.flow.import_checkpoint",
    "InputError": "bytegolf.errors",
    "Leaderboard": "bytegolf.contest.leaderboard",
    "LoadedModel": "bytegolf.flow.models",
    "OverlapReport": "bytegolf.auditing.overlap.report",
    "PackResult": "bytegolf.flow.pack",
    "Plan": "bytegolf.packing.plan",
    "QuickstartResult": "bytegolf.flow.quickstart",
    "Receipt": "bytegolf.proving.receipt",
    "Recipe": "bytegolf.config",
    "ReportResult": "bytegolf.flow.report",
    "Review": "bytegolf.contest.review",
    "Score": "bytegolf.scoring.ledger",
    "ScoreComparison": "bytegolf.contest.compare",
    "SubmitResult": "bytegolf.flow.submit",
    "SweepResult": "bytegolf.experiments.results",
    "TrainResult": "bytegolf.flow.train",
    "audit": "bytegolf.flow.audit",
    "audit_data": "bytegolf.flow.audit",
    "bench": "bytegolf.flow.bench",
    "compare": "bytegolf.flow.compare",
    "compare_leaderboard": "bytegolf.flow.compare",
    "compress": "bytegolf.flow.compress",
    "decompress": "bytegolf.flow.compress",
    "doctor": "bytegolf.flow.doctor",
    "export": "bytegolf.flow.export",
    "generate": "bytegolf.flow.generate",
    "import_checkpoint": "bytegolf.flow.import_checkpoint",
    "load_artifact": "bytegolf.flow.models",
    "load_model": "bytegolf.flow.models",
    "load_recipe": "bytegolf.recipes",
    "pack": "bytegolf.flow.pack",
    "plan": "bytegolf.flow.plan",
    "prepare": "bytegolf.flow.prepare",
    "prove": "bytegolf.flow.prove",
    "quickstart": "bytegolf.flow.quickstart",
    "report": "bytegolf.flow.report",
    "review": "bytegolf.flow.review",
    "score": "bytegolf.flow.score",
    "submit": "bytegolf.flow.submit",
    "sweep": "bytegolf.flow.sweep",
    "sweep_commands": "bytegolf.flow.sweep",
    "train": "bytegolf.flow.train",
    "train_baseline": "bytegolf.flow.train_baseline",
    "verify": "bytegolf.flow.verify",
}
__all__ = list(HOMES)


def __getattr__(name: str) -> object:
    """Load a name of the API when it is first used: importing the package costs nothing, and each verb loads no more than it needs."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(HOMES[name]), name)


def __dir__() -> list[str]:
    """List what the package offers."""
    return __all__
