"""What a command line of the baseline did, from its environment variables to scores."""

from pathlib import Path

from bytegolf.flow.pack import pack
from bytegolf.flow.results import BaselineResult
from bytegolf.flow.score import score
from bytegolf.flow.train import train
from bytegolf.recipes.environment import BaselineCommand
from bytegolf.runtime.parallel import joined
from bytegolf.runtime.progress import say
from bytegolf.storage.run_folder import RunFolder


def train_baseline(command: BaselineCommand, *, resume: bool = False, replay: Path | None = None) -> BaselineResult:
    """What a command line of the seed system did: train, pack, score the artifact by sliding windows, then with test-time training.

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
