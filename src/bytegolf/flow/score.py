"""Score a run or an artifact on held-out text, in bits per byte."""

from collections.abc import Sequence
from pathlib import Path

from bytegolf.config import Recipe, ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.flow.models import load_model, require_same_tokenizer
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.recipes import load_recipe, override_recipe
from bytegolf.runtime.parallel import ALONE, Group, joined
from bytegolf.runtime.progress import Progress
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.protocols import PROTOCOLS, TTT_DEFAULTS, score_tokens
from bytegolf.storage.files import sha256_of, write_json
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset, open_data


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
    """Return the score of a run or an artifact on a data folder's held-out text, or on its first `limit_bytes` bytes.

    `overrides` ("ttt.lr=0.001") change how protocol `ttt` trains. Raises InputError for an unknown protocol or override,
    or a tokenizer that is not the model's.
    """
    if protocol not in PROTOCOLS:
        raise InputError(f"protocol: expected {' or '.join(PROTOCOLS)}, found {protocol!r}")
    with joined() as group:
        return score_and_record(source, open_data(data, tokenizer), protocol, limit_bytes, stride, overrides, group)


def score_and_record(
    source: Path,
    dataset: Dataset,
    protocol: ProtocolName,
    limit_bytes: int = 0,
    stride: int = 0,
    overrides: Sequence[str] = (),
    group: Group = ALONE,
) -> Score:
    """Return the score of a run or artifact.

    A score of the whole text under the model's own settings is also recorded in the run's folder.
    """
    loaded = load_model(source, group.local_rank)
    require_same_tokenizer(dataset, loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    config = loaded.score.model_copy(update={"stride": stride}) if stride else loaded.score
    run = RunFolder(source if source.is_dir() else source.parent)
    ttt = ttt_config(run, protocol, overrides)
    result = _score(loaded.model, config, dataset, protocol, limit_bytes, ttt, group)
    if group.is_main and run.recipe.exists() and not (limit_bytes or stride or overrides):
        scored = run.weights if source.is_dir() else source
        write_json(run.score(protocol), {**result.to_json(), "of": scored.name, "sha256": sha256_of(scored), "data": dataset.sha256})
    return result


def ttt_config(run: RunFolder, protocol: ProtocolName, overrides: Sequence[str]) -> TttConfig:
    """Return how protocol `ttt` trains the model in the folder `run`: by the recipe there, or by defaults without one.

    These settings are not part of an artifact. Raises InputError for overrides of anything else.
    """
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
