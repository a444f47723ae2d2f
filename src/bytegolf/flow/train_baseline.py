"""A command line of the baseline, as its environment variables describe it -> a run, an artifact and its scores."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.flow.pack import PackResult, pack
from bytegolf.flow.score import score
from bytegolf.flow.train import TrainResult, train
from bytegolf.recipes.environment import BaselineCommand
from bytegolf.runtime.parallel import joined
from bytegolf.runtime.progress import say
from bytegolf.scoring.ledger import Score
from bytegolf.storage.run_folder import RunFolder


@dataclass(frozen=True)
class BaselineResult:
    """The results of a command line of the baseline; `scores` are those of the decoded artifact."""

    train: TrainResult
    pack: PackResult
    scores: list[Score]

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return {**self.train.to_json(), "pack": self.pack.to_json(), "scores": [score.to_json() for score in self.scores]}


def train_baseline(command: BaselineCommand, *, resume: bool = False, replay: Path | None = None) -> BaselineResult:
    """Train, pack, and score the artifact by sliding windows, then with test-time training if the recipe has it.

    Raises InputError as `train`, `pack` and `score` do.
    """
    with joined() as group:
        if group.is_main:
            for line in command.mapping:
                say(f"environment: {line}")
        trained = train(command.recipe, command.data, command.out, resume=resume, tokenizer=command.tokenizer, replay=replay)
        packed = group.once(lambda: pack(command.out, data=command.data, tokenizer=command.tokenizer, scored=False))
        artifact = RunFolder(command.out).artifact
        scores = [group.once(lambda: score(artifact, command.data, "sliding", tokenizer=command.tokenizer))]
        if command.recipe.ttt.enabled:
            scores.append(score(artifact, command.data, "ttt", tokenizer=command.tokenizer))
        return BaselineResult(trained, packed, scores)
