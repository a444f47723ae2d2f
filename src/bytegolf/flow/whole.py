"""Whole flows, from end to end, and what is told about them."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bytegolf.config import Recipe
from bytegolf.flow.data import compare_compressors
from bytegolf.flow.packing import pack
from bytegolf.flow.proving import prove
from bytegolf.flow.scoring import score
from bytegolf.flow.training import train
from bytegolf.pack.plan import Plan, plan_artifact
from bytegolf.parallel import joined
from bytegolf.process import on_threads, tune_process
from bytegolf.progress import Progress, say
from bytegolf.prove.sandbox import sandbox_available
from bytegolf.recipes import load_recipe
from bytegolf.recipes.environment import SeedCommand
from bytegolf.report.html import RunReport, write_report
from bytegolf.report.results import QuickstartResult, SeedResult
from bytegolf.run import RunFolder, provenance, read_json, sha256_of
from bytegolf.score.compressors import CompressorScore
from bytegolf.speed import BenchResult, measure, start_up_seconds
from bytegolf.text.prepare import prepare
from bytegolf.train.pace import predicted_steps

PROVED_BYTES = 1 << 16  # of held-out text at the end of quickstart
PROVED_STRIDE = 16  # short pieces decode fast


def plan(recipe: Recipe) -> Plan:
    """The artifact's predicted size, and how many steps this machine will take at least in the recipe's time."""
    return replace(plan_artifact(recipe), steps=predicted_steps(recipe))


def train_as_seed(command: SeedCommand, *, resume: bool = False, replay: Path | None = None) -> SeedResult:
    """What a command line of the seed system did: train, pack, score the artifact by sliding windows, then with test-time training.

    Raises InputError as `train`, `pack` and `score` do.
    """
    with joined() as group:
        if group.leads:
            for line in command.mapping:
                say(f"environment: {line}")
        trained = train(command.recipe, command.data, command.out, resume=resume, tokenizer=command.tokenizer, replay=replay)
        packed = group.once(lambda: pack(command.out, data=command.data, tokenizer=command.tokenizer, scored=False))
        artifact = RunFolder(command.out).artifact
        scores = [group.once(lambda: score(artifact, command.data, "sliding", tokenizer=command.tokenizer))]
        if command.recipe.ttt.enabled:
            scores.append(score(artifact, command.data, "ttt", tokenizer=command.tokenizer))
        return SeedResult(trained, packed, scores)


def quickstart(out: Path) -> QuickstartResult:
    """Prepare, train, pack, score, report and prove on the standard library's own source, inside `out`."""
    recipe, data, run = load_recipe("quickstart"), out / "data", RunFolder(out / "run")
    manifest = prepare(["stdlib"], data, text=recipe.text, vocab_size=recipe.model.vocab_size)
    trained = train(recipe, data, run.root, resume=True)
    packed = pack(run.root, data=data)
    compressors = compare_compressors(data)
    report([run.root], run.report, compressors)
    with on_threads(1):
        proof = prove(run.artifact, data, "streaming", limit_bytes=PROVED_BYTES, stride=PROVED_STRIDE, sandbox=sandbox_available())
    return QuickstartResult(manifest, trained, packed, compressors, proof, str(run.report))


def report(runs: Sequence[Path], out: Path, compressors: Sequence[CompressorScore] = ()) -> Path:
    """One HTML page about one or more runs."""
    paths = list(dict.fromkeys(run.resolve() for run in runs))
    named = len({path.name for path in paths}) == len(paths)
    named_runs = {path.name if named else "/".join(path.parts[-2:]): RunFolder(path) for path in paths}
    write_report(out, [_run_report(run, name) for name, run in named_runs.items()], compressors)
    return out


def _run_report(run: RunFolder, name: str) -> RunReport:
    scores = [score for path in sorted(run.root.glob("score-*.json")) if _is_current(run, score := read_json(path))]
    return RunReport(name, run.read_manifest(), run.events(), scores, read_json(run.pack) if run.pack.exists() else None)


def _is_current(run: RunFolder, score: Mapping[str, Any]) -> bool:
    """Whether a score is of what now lies in the run's folder."""
    scored = run.root / score["of"]
    return scored.is_file() and sha256_of(scored) == score.get("sha256")


def bench(recipes: Sequence[Recipe], *, seconds: float = 10.0, corpus_tokens: int = 1 << 21) -> BenchResult:
    """How fast this machine trains and scores, each recipe in a process of its own so that its memory is its own."""
    speeds = []
    with Progress("bench", len(recipes), "recipes") as progress:
        for recipe in recipes:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=tune_process) as child:
                speeds.append(child.submit(measure, recipe, seconds, corpus_tokens).result())
            progress.advance(note=recipe.name)
    return BenchResult(f"{date.today()}", provenance(), start_up_seconds(recipes[0]), speeds)
