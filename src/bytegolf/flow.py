"""The verbs' functions: rooms put together. prepare -> train -> pack -> score -> report."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.config import Recipe, ScoreConfig, TextConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, parameter_count
from bytegolf.pack.allocate import Bits, BudgetTooSmallError
from bytegolf.pack.fit import fit, pack_at
from bytegolf.pack.plan import Plan, plan_artifact
from bytegolf.parallel import Group, joined
from bytegolf.process import tune_process
from bytegolf.progress import Progress, say
from bytegolf.recipes import load_recipe, recipe_toml
from bytegolf.report.html import RunReport, write_report
from bytegolf.report.results import PackResult, QuickstartResult, TrainResult
from bytegolf.run import DataFolder, DataManifest, RunFolder, provenance, read_json, sha256_of, write_atomically, write_json
from bytegolf.score.compressors import CompressorScore, compressor_scores
from bytegolf.score.ledger import Score
from bytegolf.score.protocols import PROTOCOLS, ProtocolName, score_tokens
from bytegolf.speed import BenchResult, measure, start_up_seconds
from bytegolf.text.batches import count_sequences, require_shares
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.text.prepare import prepare
from bytegolf.text.tokenizer import Tokenizer
from bytegolf.train.device import choose_device, choose_dtype
from bytegolf.train.learner import Learner
from bytegolf.train.loop import Trainer
from bytegolf.train.pace import predicted_steps
from bytegolf.train.record import begin_run, finish_run, read_run, resumable
from bytegolf.train.replay import Replay, read_replay
from bytegolf.train.schedule import Clock
from bytegolf.train.trackers import require_trackers

Weights = Mapping[str, Tensor]
DEFAULT_VOCAB_SIZE = 1024
PRIMING_BYTES = 1 << 26  # of training text that compressors are primed with


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to score, from a run or an artifact."""

    model: GPT
    tokenizer: Tokenizer
    score: ScoreConfig


def plan(recipe: Recipe) -> Plan:
    """The artifact's predicted size, and how many steps this machine will take in the recipe's time."""
    return replace(plan_artifact(recipe), steps=predicted_steps(recipe))


def prepare_data(
    sources: Sequence[str],
    out: Path,
    *,
    recipe: str | None = None,
    vocab: int | None = None,
    tokenizer: str | None = None,
    val_docs: int | None = None,
) -> DataManifest:
    """Text into a data folder; the vocabulary is a recipe's, one of `vocab` pieces, or an existing tokenizer (a file, or "bytes")."""
    if sum(choice is not None for choice in (recipe, vocab, tokenizer)) > 1:
        raise InputError("prepare: expected one of --recipe, --vocab and --tokenizer, found several")
    chosen = load_recipe(recipe) if recipe else None
    return prepare(
        sources,
        out,
        text=TextConfig(tokenizer="bytes") if tokenizer == "bytes" else chosen.text if chosen else TextConfig(),
        vocab_size=chosen.model.vocab_size if chosen else vocab or DEFAULT_VOCAB_SIZE,
        tokenizer=Path(tokenizer) if tokenizer and tokenizer != "bytes" else None,
        val_docs=val_docs,
    )


def train(
    recipe: Recipe, data: Path, out: Path, *, resume: bool = False, tokenizer: Path | None = None, replay: Path | None = None
) -> TrainResult:
    """Train `recipe` on a data folder into a run folder, with the clock of the finished run `replay` if one is given.

    Raises InputError if `out` exists and `resume` is off, or if recipe, data and runs do not agree.
    """
    with joined() as group:
        run, dataset = RunFolder(out), open_data(data, tokenizer)
        if dataset.tokenizer.vocab_size != recipe.model.vocab_size:
            raise InputError(
                f"{data}: expected the recipe's model.vocab_size {recipe.model.vocab_size}, found tokenizer {dataset.tokenizer.name}"
            )
        count_sequences(dataset.train, recipe.train.sequence_length)  # what cannot begin leaves no folder behind
        require_shares(recipe, group)
        group.once(lambda: require_trackers(recipe.train))
        device = choose_device(recipe.train.device, group.local_rank)
        _require_the_same(group, data=dataset.sha256, tokenizer=dataset.tokenizer.sha256, recipe=recipe_toml(recipe))
        repeated = read_replay(replay, recipe, dataset) if replay and group.leads else None  # its clock is process 0's
        if group.once(lambda: begin_run(run, recipe, dataset.tokenizer, resume)):
            say(f"{out}: already finished")
        else:
            _train(run, recipe, dataset, device, repeated, group)
        if repeated:
            repeated.compare(run)
        return group.once(lambda: _train_result(run))


def _require_the_same(group: Group, **identities: str) -> None:
    """Raises InputError if processes were given different things: several machines may hold several copies."""
    everybody = group.gather(identities)
    for rank, theirs in enumerate(everybody):
        for name, identity in theirs.items():
            if identity != everybody[0][name]:
                raise InputError(f"expected the {name} of rank 0 in every process, found another on rank {rank}")


def _train(run: RunFolder, recipe: Recipe, dataset: Dataset, device: torch.device, replay: Replay | None, group: Group) -> None:
    """Train from where the run stands to the end of its clock, or of the clock of the run it repeats."""
    dtype = choose_dtype(recipe.train, device)
    model = GPT(recipe.model, dtype)
    model.initialise(recipe.train.seed)
    where = f"{device} in {str(dtype).removeprefix('torch.')}" + (f", {group.size} processes" if group.size > 1 else "")
    say(f"train {recipe.name}: {parameter_count(recipe.model):,} parameters on {where}")
    planned = plan_artifact(recipe)
    if not planned.fits:
        say(f"warning: the artifact will not fit pack.budget {planned.budget:,}, it needs about {planned.predicted_bytes:,} bytes")
    fingerprint = {
        "data": dataset.sha256,
        "tokenizer": dataset.tokenizer.sha256,
        "replay": replay.weights_sha256 if replay else "",
    }
    clock = replay.clock if replay else Clock.of(recipe.train)
    trainer = Trainer(Learner(recipe, model.to(device), planned.bits, group), dataset.train, run, group.once(lambda: fingerprint), clock)

    def validate(weights: Weights, limit_bytes: int) -> dict[str, float | None]:
        bpb = _validate(_model(recipe, weights, device), recipe.score, dataset, limit_bytes, group)
        return {"bpb": bpb, "artifact_bytes": _trial_bytes(weights, recipe, dataset.tokenizer, planned.bits) if group.leads else None}

    with resumable(run):
        final = trainer.fit(validate)
        if group.leads:
            finish_run(run, recipe, final, dataset, replay.to_json() if replay else None)


def _validate(model: GPT, config: ScoreConfig, dataset: Dataset, limit_bytes: int, group: Group) -> float:
    """Bits per byte by the standard protocol, whose windows the processes share out."""
    tokens, num_bytes = dataset.held_out(limit_bytes)
    targets = len(tokens) - 1
    mine = group.share(range(0, targets, config.window))
    part = tokens[mine[0] : min(mine[-1] + config.window, targets) + 1] if mine else tokens[:1]
    with Progress("score standard", len(part) - 1, "tokens") as progress:
        bits = score_tokens(model, part, num_bytes, "standard", config, progress.advance).bits
    return group.sum_(torch.tensor(bits, dtype=torch.float64)).item() / num_bytes


def pack(
    run: Path, *, budget: int = 0, reserve: int = 0, data: Path | None = None, tokenizer: Path | None = None, out: Path | None = None
) -> PackResult:
    """Pack a run's weights into at most `budget` − `reserve` bytes (the recipe's budget if 0).

    Raises InputError if even the smallest possible file is larger.
    """
    trained = read_run(run)
    dataset = _matching(open_data(data, tokenizer), trained.tokenizer) if data else None
    budget = budget or trained.recipe.pack.budget
    try:
        with Progress("pack", None, "tries") as progress:
            fitted = fit(
                trained.weights,
                trained.recipe,
                trained.tokenizer,
                budget - reserve,
                tried=lambda size: progress.advance(note=f"{size:,} bytes"),
            )
    except BudgetTooSmallError as error:
        raise InputError(
            f"--budget: expected at least {error.smallest + reserve:,} bytes, the smallest possible, found {budget:,}"
        ) from None
    file = out or trained.folder.artifact
    write_atomically(file, fitted.file.data)
    before = after = None
    if dataset is not None:
        before, after = (_score_and_record(source, dataset, "sliding").bpb for source in (run, file))
    parameters, size = parameter_count(trained.recipe.model), len(fitted.file.data)
    result = PackResult(
        size,
        budget,
        parameters,
        8 * size / parameters,
        fitted.entropy_bits_per_weight,
        before,
        after,
        str(file),
        fitted.bits,
        fitted.file.sections,
    )
    if out is None:
        write_json(trained.folder.pack, result.to_json())
    return result


def score(
    source: Path, data: Path, protocol: ProtocolName, *, limit_bytes: int = 0, tokenizer: Path | None = None, stride: int = 0
) -> Score:
    """Bits per byte of a run or an artifact on a data folder's held-out text, or on its first `limit_bytes` bytes.

    Raises InputError for an unknown protocol, or a tokenizer that is not the model's.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol: expected {' or '.join(PROTOCOLS)}, found {protocol!r}")
    return _score_and_record(source, open_data(data, tokenizer), protocol, limit_bytes, stride)


def report(runs: Sequence[Path], out: Path, compressors: Sequence[CompressorScore] = ()) -> Path:
    """One HTML page about one or more runs."""
    paths = list(dict.fromkeys(run.resolve() for run in runs))
    named = len({path.name for path in paths}) == len(paths)
    named_runs = {path.name if named else "/".join(path.parts[-2:]): RunFolder(path) for path in paths}
    write_report(out, [_run_report(run, name) for name, run in named_runs.items()], compressors)
    return out


def quickstart(out: Path) -> QuickstartResult:
    """Prepare, train, pack, score and report on the standard library's own source, inside `out`."""
    recipe, data, run = load_recipe("quickstart"), out / "data", RunFolder(out / "run")
    manifest = prepare(["stdlib"], data, text=recipe.text, vocab_size=recipe.model.vocab_size)
    trained = train(recipe, data, run.root, resume=True)
    packed = pack(run.root, data=data)
    compressors = compare_compressors(data)
    report([run.root], run.report, compressors)
    return QuickstartResult(manifest, trained, packed, compressors, str(run.report))


def bench(recipes: Sequence[Recipe], *, seconds: float = 10.0, corpus_tokens: int = 1 << 21) -> BenchResult:
    """How fast this machine trains and scores, each recipe in a process of its own so that its memory is its own."""
    speeds = []
    with Progress("bench", len(recipes), "recipes") as progress:
        for recipe in recipes:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=tune_process) as child:
                speeds.append(child.submit(measure, recipe, seconds, corpus_tokens).result())
            progress.advance(note=recipe.name)
    return BenchResult(f"{date.today()}", provenance(), start_up_seconds(recipes[0]), speeds)


def compare_compressors(data: Path) -> list[CompressorScore]:
    """General-purpose compressors on the folder's held-out text, cached in the folder."""
    folder, dataset = DataFolder(data), open_data(data)
    if not folder.compressors.exists():
        text = dataset.val_text()
        if text is None:
            raise InputError(f"{data}: expected a prepared data folder with the held-out text, found bare shards")
        scores = compressor_scores(text, dataset.train_text(PRIMING_BYTES))
        write_json(folder.compressors, [asdict(result) for result in scores])
    return [CompressorScore(**values) for values in read_json(folder.compressors)]


def load_artifact(path: Path) -> Artifact:
    """Read a `.bgz` file. Raises InputError for anything else."""
    if not path.is_file():
        raise InputError(f"{path}: expected an artifact, found {'a folder' if path.is_dir() else 'nothing'}")
    return read_artifact(path.read_bytes(), str(path))


def load_model(source: Path) -> LoadedModel:
    """The model of a run folder (its final weights) or of an artifact."""
    device = choose_device("auto")
    if source.is_dir():
        run = read_run(source)
        return LoadedModel(_model(run.recipe, run.weights, device), run.tokenizer, run.recipe.score)
    artifact = load_artifact(source)
    return LoadedModel(artifact.model().to(device), artifact.tokenizer, artifact.score)


def _model(recipe: Recipe, weights: Weights, device: torch.device) -> GPT:
    """A model for scoring, in float32."""
    model = GPT(recipe.model).to(device)
    model.load_state_dict(dict(weights))
    return model.eval()


def _matching(dataset: Dataset, tokenizer: Tokenizer) -> Dataset:
    if dataset.tokenizer.sha256 != tokenizer.sha256:
        raise InputError(
            f"{dataset.folder.root}: expected the tokenizer the model was trained with, {tokenizer.name} ({tokenizer.sha256[:12]}), "
            f"found {dataset.tokenizer.name} ({dataset.tokenizer.sha256[:12]})"
        )
    return dataset


def _score_and_record(source: Path, dataset: Dataset, protocol: ProtocolName, limit_bytes: int = 0, stride: int = 0) -> Score:
    """Score a run or artifact. A score of the whole text, as the model is meant to be scored, is noted in the run's folder."""
    loaded = load_model(source)
    _matching(dataset, loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    config = loaded.score.model_copy(update={"stride": stride}) if stride else loaded.score
    result = _score(loaded.model, config, dataset, protocol, limit_bytes)
    run = RunFolder(source if source.is_dir() else source.parent)
    if run.recipe.exists() and not limit_bytes and not stride:
        scored = run.weights if source.is_dir() else source
        write_json(run.score(protocol), {**result.to_json(), "of": scored.name, "sha256": sha256_of(scored), "data": dataset.sha256})
    return result


def _score(model: GPT, config: ScoreConfig, dataset: Dataset, protocol: ProtocolName, limit_bytes: int = 0) -> Score:
    tokens, num_bytes = dataset.held_out(limit_bytes)
    with Progress(f"score {protocol}", len(tokens) - 1, "tokens") as progress:
        return score_tokens(model, tokens, num_bytes, protocol, config, progress.advance)


def _trial_bytes(weights: Weights, recipe: Recipe, tokenizer: Tokenizer, bits: Bits) -> int | None:
    """Size of the artifact if training ended now; None where the weights cannot be packed yet, which is no reason to stop."""
    try:
        return len(pack_at(weights, recipe, tokenizer, bits).file.data)
    except InputError:
        return None


def _is_current(run: RunFolder, score: Mapping[str, Any]) -> bool:
    """Whether a score is of what now lies in the run's folder."""
    scored = run.root / score["of"]
    return scored.is_file() and sha256_of(scored) == score.get("sha256")


def _train_result(run: RunFolder) -> TrainResult:
    manifest = run.read_manifest()
    return TrainResult(
        run=str(run.root), **{key: manifest[key] for key in ("steps", "seconds", "tokens_per_second", "val_bpb", "parameters")}
    )


def _run_report(run: RunFolder, name: str) -> RunReport:
    scores = [score for path in sorted(run.root.glob("score-*.json")) if _is_current(run, score := read_json(path))]
    return RunReport(name, run.read_manifest(), run.events(), scores, read_json(run.pack) if run.pack.exists() else None)
