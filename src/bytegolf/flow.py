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
from bytegolf.artifact.foreign import read_tensors
from bytegolf.artifact.translate import translate
from bytegolf.config import CoderName, MethodName, Recipe, ScoreConfig, TextConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT, parameter_count
from bytegolf.pack.allocate import Bits, BudgetTooSmallError
from bytegolf.pack.calibrate import calibrate
from bytegolf.pack.fit import fit, pack_at
from bytegolf.pack.gptq import ErrorFeedback
from bytegolf.pack.plan import Plan, plan_artifact
from bytegolf.pack.quantize import Rounding, nearest
from bytegolf.parallel import ALONE, Group, joined
from bytegolf.process import tune_process
from bytegolf.progress import Progress, say
from bytegolf.prove.audit import Audit, Options, audit_in_sandbox
from bytegolf.prove.conditions import on_threads
from bytegolf.prove.files import Compressor, FileResult
from bytegolf.prove.receipt import Receipt, check_receipt, prove_text
from bytegolf.prove.sandbox import sandbox_available
from bytegolf.recipes import load_recipe, override_recipe, recipe_toml, validate_recipe
from bytegolf.recipes.environment import SeedCommand
from bytegolf.report.html import RunReport, write_report
from bytegolf.report.results import ImportResult, PackResult, QuickstartResult, SeedResult, TrainResult
from bytegolf.run import DataFolder, DataManifest, RunFolder, provenance, read_json, sha256_of, write_atomically, write_json
from bytegolf.score.compressors import CompressorScore, compressor_scores
from bytegolf.score.ledger import Score
from bytegolf.score.protocols import PROTOCOLS, TTT_DEFAULTS, ProtocolName, score_tokens
from bytegolf.speed import BenchResult, measure, start_up_seconds
from bytegolf.text.batches import count_sequences, require_shares
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.text.prepare import prepare
from bytegolf.text.tokenizer import Tokenizer, load_tokenizer
from bytegolf.train.device import choose_device, choose_dtype
from bytegolf.train.learner import Learner
from bytegolf.train.loop import Trainer
from bytegolf.train.pace import predicted_steps
from bytegolf.train.record import begin_run, finish_run, read_run, record_import, resumable
from bytegolf.train.replay import Replay, read_replay
from bytegolf.train.schedule import Clock
from bytegolf.train.trackers import require_trackers

Weights = Mapping[str, Tensor]
DEFAULT_VOCAB_SIZE = 1024
PROVED_BYTES = 1 << 16  # of held-out text at the end of quickstart
PROVED_STRIDE = 16  # short pieces decode fast
PRIMING_BYTES = 1 << 26  # of training text that compressors are primed with


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to score, from a run or an artifact."""

    model: GPT
    tokenizer: Tokenizer
    score: ScoreConfig


def plan(recipe: Recipe) -> Plan:
    """The artifact's predicted size, and how many steps this machine will take at least in the recipe's time."""
    return replace(plan_artifact(recipe), steps=predicted_steps(recipe))


def prepare_data(
    sources: Sequence[str],
    out: Path,
    *,
    recipe: str | None = None,
    vocab: int | None = None,
    tokenizer: str | None = None,
    val_docs: int | None = None,
    normalised: bool = False,
    variant: str | None = None,
    train_shards: int | None = None,
    with_docs: bool = False,
) -> DataManifest:
    """Text, or published shards, into a data folder.

    The vocabulary of text is a recipe's, one of `vocab` pieces, or an existing tokenizer (a file, or "bytes"). Of what
    is published the `variant` is given, or named by a recipe's vocabulary.
    """
    chosen = load_recipe(recipe) if recipe else None
    of_text = {"--vocab": vocab, "--tokenizer": tokenizer, "--val-docs": val_docs, "--normalised": normalised or None}
    of_published = {"--variant": variant, "--train-shards": train_shards, "--with-docs": with_docs or None}
    if any(source == "fineweb" or source.startswith("hf://") for source in sources):
        _require_none(of_text, "with text; docs/data.md tells how fineweb gets another vocabulary")
        if len(sources) > 1:
            raise InputError(f"prepare: expected published shards alone, found {', '.join(sources)}")
        return _fetch(sources[0], out, chosen, variant, train_shards, with_docs)
    _require_none(of_published, "with fineweb or hf://datasets/…")
    if sum(choice is not None for choice in (recipe, vocab, tokenizer)) > 1:
        raise InputError("prepare: expected one of --recipe, --vocab and --tokenizer, found several")
    if normalised and tokenizer in (None, "bytes"):
        raise InputError("--normalised: expected with --tokenizer FILE.model, found without; our own tokenizers change nothing")
    return prepare(
        sources,
        out,
        text=TextConfig(tokenizer="bytes") if tokenizer == "bytes" else chosen.text if chosen else TextConfig(),
        vocab_size=chosen.model.vocab_size if chosen else vocab or DEFAULT_VOCAB_SIZE,
        tokenizer=Path(tokenizer) if tokenizer and tokenizer != "bytes" else None,
        val_docs=val_docs,
        normalised=normalised,
    )


def _fetch(source: str, out: Path, recipe: Recipe | None, variant: str | None, train_shards: int | None, with_docs: bool) -> DataManifest:
    """Published shards; of the seed's number unless it is given, and of its vocabulary unless there is a recipe."""
    try:
        from bytegolf.text.fineweb import FINEWEB, TRAIN_SHARDS, VARIANT, fetch_published
        from bytegolf.text.hub import HubPlace
    except ModuleNotFoundError as error:
        raise InputError(f"{source}: expected the package {error.name}, found it missing; pip install huggingface-hub") from None
    if recipe:
        _require_none({"--variant": variant}, "without --recipe, which names its vocabulary")
        variant = "byte260" if recipe.text.tokenizer == "bytes" else f"sp{recipe.model.vocab_size}"
    place = FINEWEB if source == "fineweb" else HubPlace.parse(source)
    shards = TRAIN_SHARDS if train_shards is None else train_shards
    return fetch_published(place, out, variant=variant or VARIANT, train_shards=shards, with_docs=with_docs)


def _require_none(options: Mapping[str, object], use: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise InputError(f"{name}: expected only {use}, found it here")


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


def train_as_seed(command: SeedCommand, *, resume: bool = False, replay: Path | None = None) -> SeedResult:
    """What a command line of the seed system did: train, pack, score the artifact by sliding windows, then with test-time training.

    Raises InputError as `train`, `pack` and `score` do.
    """
    with joined() as group:
        if group.leads:
            for line in command.mapping:
                say(f"environment: {line}")
        trained = train(command.recipe, command.data, command.out, resume=resume, tokenizer=command.tokenizer, replay=replay)
        text = command.data if command.recipe.pack.method == "gptq" else None  # to learn from
        packed = group.once(lambda: pack(command.out, data=text, tokenizer=command.tokenizer))
        artifact = RunFolder(command.out).artifact
        scores = [group.once(lambda: score(artifact, command.data, "sliding", tokenizer=command.tokenizer))]
        if command.recipe.ttt.enabled:
            scores.append(score(artifact, command.data, "ttt", tokenizer=command.tokenizer))
        return SeedResult(trained, packed, scores)


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
    model.initialise(recipe.train.seed, recipe.train.init)
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


def import_checkpoint(checkpoint: Path, out: Path, *, recipe: Recipe, tokenizer: Path) -> ImportResult:
    """Make a run of weights that another program trained: of the seed system's scripts, or under this package's names.

    Raises InputError if they are not the recipe's model, or `out` exists.
    """
    vocabulary = load_tokenizer(tokenizer)
    if vocabulary.vocab_size != recipe.model.vocab_size:
        raise InputError(f"{tokenizer}: expected the recipe's model.vocab_size {recipe.model.vocab_size}, found {vocabulary.vocab_size}")
    parameters = parameter_count(recipe.model)
    weights = translate(read_tensors(checkpoint, parameters), recipe.model, str(checkpoint))
    record_import(RunFolder(out), recipe, weights, vocabulary, checkpoint)
    return ImportResult(str(out), str(checkpoint), recipe.name, parameters)


def pack(
    run: Path,
    *,
    budget: int = 0,
    reserve: int = 0,
    method: MethodName | None = None,
    coder: CoderName | None = None,
    data: Path | None = None,
    tokenizer: Path | None = None,
    out: Path | None = None,
) -> PackResult:
    """Pack a run's weights into at most `budget` − `reserve` bytes; budget, method and coder are the recipe's where not given.

    Raises InputError if even the smallest possible file is larger, or method gptq is given no data.
    """
    trained = read_run(run)
    recipe = _packed_by(trained.recipe, method, coder)
    dataset = _matching(open_data(data, tokenizer), trained.tokenizer) if data else None
    budget, method = budget or recipe.pack.budget, recipe.pack.method
    rounding = _feedback(recipe, trained.weights, dataset) if method == "gptq" else nearest
    try:
        with Progress("pack", None, "tries") as progress:
            fitted = fit(
                trained.weights,
                recipe,
                trained.tokenizer,
                budget - reserve,
                tried=lambda size: progress.advance(note=f"{size:,} bytes"),
                rounding=rounding,
            )
    except BudgetTooSmallError as error:
        which = "the size of method seed's fixed bits" if method == "seed" else "the smallest possible"
        raise InputError(f"--budget: expected at least {error.smallest + reserve:,} bytes, {which}, found {budget:,}") from None
    file = out or trained.folder.artifact
    write_atomically(file, fitted.file.data)
    before = after = None
    if dataset is not None:
        before, after = (_score_and_record(source, dataset, "sliding").bpb for source in (run, file))
    parameters, size = parameter_count(recipe.model), len(fitted.file.data)
    result = PackResult(
        size,
        budget,
        method,
        recipe.pack.coder,
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


def _packed_by(recipe: Recipe, method: MethodName | None, coder: CoderName | None) -> Recipe:
    """The recipe with another way to pack where one is given."""
    chosen = {key: value for key, value in (("method", method), ("coder", coder)) if value is not None}
    values = recipe.model_dump()
    return validate_recipe({**values, "pack": {**values["pack"], **chosen}}, recipe.name) if chosen else recipe


def _feedback(recipe: Recipe, weights: Weights, dataset: Dataset | None) -> Rounding:
    """Error feedback by what the model's matrices read of training text."""
    if dataset is None:
        raise InputError("--data: expected a data folder, whose training text method gptq learns from, found none")
    model = _model(recipe, weights, choose_device("auto"))
    with Progress("calibrate", recipe.pack.calibration_tokens, "tokens") as progress:
        return ErrorFeedback(calibrate(model, recipe, dataset.train, progress.advance), recipe.pack)


def score(
    source: Path,
    data: Path,
    protocol: ProtocolName,
    *,
    limit_bytes: int = 0,
    tokenizer: Path | None = None,
    stride: int = 0,
    overrides: Sequence[str] = (),
) -> Score:
    """Bits per byte of a run or an artifact on a data folder's held-out text, or on its first `limit_bytes` bytes.

    `overrides` ("ttt.lr=0.001") are of how the protocol `ttt` trains. Raises InputError for an unknown protocol or
    override, or a tokenizer that is not the model's.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol: expected {' or '.join(PROTOCOLS)}, found {protocol!r}")
    with joined() as group:
        return _score_and_record(source, open_data(data, tokenizer), protocol, limit_bytes, stride, overrides, group)


def report(runs: Sequence[Path], out: Path, compressors: Sequence[CompressorScore] = ()) -> Path:
    """One HTML page about one or more runs."""
    paths = list(dict.fromkeys(run.resolve() for run in runs))
    named = len({path.name for path in paths}) == len(paths)
    named_runs = {path.name if named else "/".join(path.parts[-2:]): RunFolder(path) for path in paths}
    write_report(out, [_run_report(run, name) for name, run in named_runs.items()], compressors)
    return out


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


def load_model(source: Path, local_rank: int = 0) -> LoadedModel:
    """The model of a run folder (its final weights) or of an artifact, on the best device at hand, of several GPUs `local_rank`."""
    device = choose_device("auto", local_rank)
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


def _score_and_record(
    source: Path,
    dataset: Dataset,
    protocol: ProtocolName,
    limit_bytes: int = 0,
    stride: int = 0,
    overrides: Sequence[str] = (),
    group: Group = ALONE,
) -> Score:
    """Score a run or artifact. A score of the whole text, as the model is meant to be scored, is noted in the run's folder."""
    loaded = load_model(source, group.local_rank)
    _matching(dataset, loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    config = loaded.score.model_copy(update={"stride": stride}) if stride else loaded.score
    run = RunFolder(source if source.is_dir() else source.parent)
    ttt = _ttt_config(run, protocol, overrides)
    result = _score(loaded.model, config, dataset, protocol, limit_bytes, ttt, group)
    if group.leads and run.recipe.exists() and not (limit_bytes or stride or overrides):
        scored = run.weights if source.is_dir() else source
        write_json(run.score(protocol), {**result.to_json(), "of": scored.name, "sha256": sha256_of(scored), "data": dataset.sha256})
    return result


def _ttt_config(run: RunFolder, protocol: ProtocolName, overrides: Sequence[str]) -> TttConfig:
    """How `ttt` trains what lies in the folder `run`: as the recipe there says, if there is one. It is no part of an artifact."""
    for override in overrides:
        if protocol != "ttt" or not override.strip().startswith("ttt."):
            raise InputError(f"--set: expected ttt.key=value and --protocol ttt, found {override} and --protocol {protocol}")
    recipe = load_recipe(run.recipe) if protocol == "ttt" and run.recipe.exists() else Recipe()
    return override_recipe(recipe, overrides).ttt


def _score(
    model: GPT,
    config: ScoreConfig,
    dataset: Dataset,
    protocol: ProtocolName,
    limit_bytes: int = 0,
    ttt: TttConfig = TTT_DEFAULTS,
    group: Group = ALONE,
) -> Score:
    tokens, num_bytes = dataset.held_out(limit_bytes)
    with Progress(f"score {protocol}", len(tokens) - 1, "tokens") as progress:
        return score_tokens(model, tokens, num_bytes, protocol, config, progress.advance, ttt=ttt, group=group)


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


def compress(artifact: Path, source: Path, out: Path) -> FileResult:
    """Any file to a `.bgc` file, which is decoded again before it appears under its name."""
    return Compressor.of(artifact).compress(source, out)


def decompress(artifact: Path, source: Path, out: Path) -> FileResult:
    """A `.bgc` file back to what it was made of. Raises InputError for a damaged file, another artifact or another machine."""
    return Compressor.of(artifact).decompress(source, out)


def prove(
    artifact: Path,
    data: Path,
    protocol: ProtocolName = "sliding",
    *,
    limit_bytes: int = 0,
    tokenizer: Path | None = None,
    stride: int = 0,
    overrides: Sequence[str] = (),
    sandbox: bool = True,
) -> Receipt:
    """Back a score by a file: `proof.bgc` and `receipt.json` beside the artifact. Options as of `score`.

    Raises InputError where there is no sandbox and one is asked for.
    """
    loaded = load_artifact(artifact)
    dataset = _matching(open_data(data, tokenizer), loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    ttt = _ttt_config(RunFolder(artifact.parent), protocol, overrides)
    tokens, num_bytes = dataset.held_out(limit_bytes)
    known = tokens[:]
    whole = dataset.val_text() or loaded.tokenizer.decode(known)
    first = len(loaded.tokenizer.decode(known[:1]))
    return prove_text(artifact, known, whole[first : first + num_bytes], protocol, ttt, stride=stride, isolated=sandbox, hidden=(data,))


def check_proof(receipt: Path, *, sandbox: bool = True) -> Receipt:
    """Verify a receipt again, by nothing but the proof and the artifact beside it."""
    return check_receipt(receipt, isolated=sandbox)


def audit(name: str, options: Options, *, sandbox: bool = True) -> Audit:
    """Test from outside whether MODULE:FACTORY predicts as a valid score must. Raises InputError if there is no such thing."""
    return audit_in_sandbox(name, options, isolated=sandbox)
