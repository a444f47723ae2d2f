"""A recipe and a data folder -> a run."""

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bytegolf.artifact.container import write_artifact
from bytegolf.config import Recipe
from bytegolf.errors import InputError, ParameterError
from bytegolf.model.gpt import GPT, model_from_weights
from bytegolf.model.shapes import parameter_count
from bytegolf.model.weights import Bits, Weights
from bytegolf.packing.methods import estimate_artifact
from bytegolf.packing.plan import plan_artifact
from bytegolf.recipes import recipe_toml
from bytegolf.runtime.device import choose_device, choose_dtype
from bytegolf.runtime.parallel import Group, joined
from bytegolf.runtime.progress import Progress, say
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.claim import claimed
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.batches import count_sequences, require_shares
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.training.late_qat import QatPlan
from bytegolf.training.learner import Learner
from bytegolf.training.loop import Trainer
from bytegolf.training.repeat import RecordedRun, read_recorded_run
from bytegolf.training.run_record import begin_run, finish_run, resumable
from bytegolf.training.schedule import Clock
from bytegolf.training.trackers import require_trackers


@dataclass(frozen=True)
class TrainResult:
    """A finished run; `val_bpb` is of the final averaged weights, protocol `standard`. An imported run has no such numbers."""

    steps: int
    seconds: float | None
    tokens_per_second: float | None
    val_bpb: float | None
    run: str
    parameters: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return asdict(self)


def train(
    recipe: Recipe, data: Path, out: Path, *, resume: bool = False, tokenizer: Path | None = None, replay: Path | None = None
) -> TrainResult:
    """Train `recipe` on a data folder into a run folder, with the clock of the finished run `replay` if one is given.

    Raises InputError if `out` exists and `resume` is off, or if recipe, data and runs do not agree.
    """
    with joined() as group:
        run, dataset = RunFolder(out), open_data(data, tokenizer)
        require_trainable(recipe, dataset)  # what cannot begin leaves no folder behind
        if group.is_main and recipe.text.tokenizer == "capitals" and dataset.tokenizer.kind != "capitals":
            say(f"{data}: capitals are not marked; prepare it with this recipe")
        require_shares(recipe, group)
        group.once(lambda: require_trackers(recipe.train))
        device = choose_device(recipe.train.device, group)
        _require_the_same(group, data=dataset.sha256, tokenizer=dataset.tokenizer.sha256, recipe=recipe_toml(recipe))
        repeated = read_recorded_run(replay, recipe, dataset) if replay and group.is_main else None  # the main process reads the clock
        with claimed(out, folder=True) if group.is_main else nullcontext():
            if group.once(lambda: begin_run(run, recipe, dataset.tokenizer, resume)):
                say(f"{out}: already finished")
            else:
                _train(run, recipe, dataset, device, repeated, group)
            if repeated:
                repeated.compare(run)
            return group.once(lambda: _train_result(run))


def require_trainable(recipe: Recipe, dataset: Dataset) -> None:
    """Raise InputError unless a recipe can be trained on data: of its vocabulary, and long enough for a sequence."""
    if dataset.tokenizer.vocab_size != recipe.model.vocab_size:
        expected = f"expected the recipe's model.vocab_size {recipe.model.vocab_size} in {dataset.folder.root}"
        advice = f"prepare it with --recipe {recipe.name}, or train with --set model.vocab_size={dataset.tokenizer.vocab_size}"
        raise ParameterError("data", f"{expected}, found tokenizer {dataset.tokenizer.name}; {advice}")
    count_sequences(dataset.train, recipe.train.sequence_length)


def _require_the_same(group: Group, **identities: str) -> None:
    """Raise InputError if processes were given different things: several machines may hold several copies."""
    by_rank = group.gather(identities)
    for rank, given in enumerate(by_rank):
        for name, identity in given.items():
            if identity != by_rank[0][name]:
                raise InputError(f"expected the {name} of rank 0 in every process, found another on rank {rank}")


def _train(run: RunFolder, recipe: Recipe, dataset: Dataset, device: torch.device, repeated: RecordedRun | None, group: Group) -> None:
    """Train from where the run stands to the end of its clock, or of the clock of the run it repeats."""
    dtype = choose_dtype(recipe.train.dtype, device)
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
        "replay": repeated.weights_sha256 if repeated else "",
    }
    clock = repeated.clock if repeated else Clock.of(recipe.train)
    learner = Learner(recipe, model.to(device), QatPlan(planned.bits, dataset.train, dataset.tokenizer), group)
    # the main process alone knows the run that is repeated
    trainer = Trainer(learner, dataset.train, run, group.once(lambda: fingerprint), clock)
    with resumable(run):
        final = trainer.fit(Validation(recipe, dataset, planned.bits, device, group))
        if group.is_main:
            finish_run(run, recipe, final, dataset, repeated.to_json() if repeated else None)


@dataclass(frozen=True)
class Validation:
    """Scores weights while they are in training: bits per byte of held-out text, and about the size of their artifact."""

    recipe: Recipe
    dataset: Dataset
    bits: Bits  # planned per weight of each class
    device: torch.device
    group: Group

    def __call__(self, weights: Weights, limit_bytes: int) -> dict[str, float | None]:
        """Return the values that the log keeps; all processes have to call this. A limit of 0 bytes is all held-out text."""
        bpb = self.bits_per_byte(model_from_weights(self.recipe.model, weights, self.device), limit_bytes)
        return {"bpb": bpb, "artifact_bytes": self.estimated_bytes(weights) if self.group.is_main else None}

    def bits_per_byte(self, model: GPT, limit_bytes: int) -> float:
        """Return bits per byte by the standard protocol, whose windows the processes share out."""
        config = self.recipe.score
        tokens, num_bytes = self.dataset.held_out(limit_bytes)
        targets = len(tokens) - 1
        starts = self.group.share(range(0, targets, config.window))
        share = tokens[starts[0] : min(starts[-1] + config.window, targets) + 1] if starts else tokens[:1]
        with Progress("score standard", len(share) - 1, "tokens") as progress:
            bits = score_tokens(model, share, num_bytes, "standard", config, progress.advance).bits
        return self.group.sum_(torch.tensor(bits, dtype=torch.float64)).item() / num_bytes

    def estimated_bytes(self, weights: Weights) -> int | None:
        """Return about the size of the artifact, were training to end now: filling the budget takes longer than a validation may.

        None where the weights cannot be packed yet, which is no reason to stop.
        """
        try:
            return len(write_artifact(estimate_artifact(self.recipe, weights, self.dataset.tokenizer, self.bits)).data)
        except InputError:
            return None


def _train_result(run: RunFolder) -> TrainResult:
    """Return the result of a finished run, from its manifest."""
    manifest = run.read_manifest()
    return TrainResult(
        run=str(run.root), **{key: manifest[key] for key in ("steps", "seconds", "tokens_per_second", "val_bpb", "parameters")}
    )
