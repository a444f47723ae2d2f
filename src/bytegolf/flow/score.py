"""A run or an artifact, and held-out text -> bits per byte."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from bytegolf.arrays import TokenSequence
from bytegolf.config import Recipe, ScoreConfig
from bytegolf.errors import ParameterError
from bytegolf.exact.model import ExactModel
from bytegolf.flow.models import experts_used, load_model, require_same_tokenizer
from bytegolf.names import ProtocolName, ProvableName
from bytegolf.recipes import override_recipe, read_recipe
from bytegolf.runtime.device import choose_device
from bytegolf.runtime.parallel import ALONE, Group, joined
from bytegolf.runtime.progress import Progress
from bytegolf.scoring.course import course_json
from bytegolf.scoring.exact import ReadWindows, score_exactly
from bytegolf.scoring.exact_on_device import ExactOnDevice
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.passes import LEARNING
from bytegolf.scoring.protocols import PROTOCOLS, score_tokens
from bytegolf.storage.files import record_json, sha256_of
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset, open_data
from bytegolf.text.tokenizer import Tokenizer


class ScoreOptions(NamedTuple):
    """The options of a score: which part of the text, at which stride, how it learns, in which arithmetic."""

    limit_bytes: int = 0  # of the text's beginning; 0 is all of it
    stride: int = 0  # tokens; 0 is the model's own
    overrides: tuple[str, ...] = ()  # of how `ttt` or `lora` learns: "ttt.lr=0.001"
    experts: bool | None = None  # None is as the model is meant to be scored
    exact: bool = False


AS_RECORDED = ScoreOptions()  # a run keeps no other scores


def score(
    source: Path,
    data: Path,
    protocol: ProtocolName,
    *,
    limit_bytes: int = 0,
    tokenizer: Path | None = None,
    stride: int = 0,
    overrides: Sequence[str] = (),
    experts: bool | None = None,
    exact: bool = False,
) -> Score:
    """Return the score of a run or an artifact on a data folder's held-out text, or on its first `limit_bytes` bytes.

    `overrides` ("ttt.lr=0.001") change how the protocol `ttt` or `lora` learns. `experts` are used or not whatever the model's recipe says,
    by default settings where it has none. An `exact` score is computed in the arithmetic of proofs. Raises InputError for an
    unknown protocol or override, a tokenizer that is not the model's, or a protocol that learns in exact arithmetic.
    """
    if protocol not in PROTOCOLS:
        raise ParameterError("protocol", f"expected {' or '.join(PROTOCOLS)}, found {protocol!r}")
    options = ScoreOptions(limit_bytes, stride, tuple(overrides), experts, exact)
    with joined() as group:
        return score_dataset(source, open_data(data, tokenizer), protocol, options, group)


def score_dataset(
    source: Path, dataset: Dataset, protocol: ProtocolName, options: ScoreOptions = AS_RECORDED, group: Group = ALONE
) -> Score:
    """Return the score of a run or an artifact, and save it in the run's folder if all `options` are the defaults."""
    loaded = load_model(source)
    require_same_tokenizer(dataset, loaded.tokenizer)
    run = RunFolder(source if source.is_dir() else source.parent)
    config, recipe = with_stride(loaded.score, options.stride), learning_recipe(run, protocol, options.overrides)
    experts = experts_used(loaded.experts, options.experts)
    tokens, num_bytes = dataset.held_out(options.limit_bytes)
    with Progress(f"score {protocol}", len(tokens) - 1, "tokens") as progress:
        if options.exact:
            provable, model = require_provable(protocol, "exact"), loaded.exact_model()
            read = reader_on_device(model, choose_device("auto", group))
            result = score_exactly(model, tokens, num_bytes, provable, config, progress.advance, experts=experts, read=read)
        else:
            gpt = loaded.model(group)
            result = score_tokens(
                gpt, tokens, num_bytes, protocol, config, progress.advance, ttt=recipe.ttt, lora=recipe.lora, experts=experts, group=group
            )
    whole = num_bytes == dataset.val_bytes  # of a part it is not known how long it was before
    result = replace(result, normalised=dataset.normalised, original_bytes=dataset.original_bytes if whole else None)
    if group.is_main and run.recipe.exists() and options == AS_RECORDED:
        scored = run.weights if source.is_dir() else source
        of = {"of": scored.name, "sha256": sha256_of(scored), "data": dataset.sha256}
        record_json(run.score(protocol), {**result.to_json(), **of})
        record_course(run, result, tokens, dataset.tokenizer, of)
    return result


def record_course(run: RunFolder, result: Score, tokens: TokenSequence, tokenizer: Tokenizer, of: Mapping[str, str]) -> None:
    """Keep in the run's folder where in the text the bits of a score were spent; `of` names the file and the data."""
    if result.course is not None:
        course = course_json(tokens, tokenizer, result.course, result.course_model)
        record_json(run.course(result.protocol), {"protocol": result.protocol, **of, **course})


def reader_on_device(model: ExactModel, device: torch.device) -> ReadWindows | None:
    """Return what reads windows on a GPU, if there is one. On a processor torch is far slower than the model itself."""
    return ExactOnDevice(model, device).read_windows if device.type == "cuda" else None


def require_provable(protocol: ProtocolName, parameter: str) -> ProvableName:
    """Return the protocol. Raises ParameterError, which names a parameter, if it has no exact arithmetic."""
    if protocol == "ttt" or protocol == "lora":
        raise ParameterError(
            parameter, f"expected another protocol than {protocol}, which learns in floating point and is not proved (docs/proof.md)"
        )
    return protocol


def with_stride(config: ScoreConfig, stride: int) -> ScoreConfig:
    """Return a model's score settings with another stride, or as they are for 0. Raises ParameterError if it exceeds the window."""
    if stride > config.window:
        raise ParameterError("stride", f"expected at most the window of {config.window} tokens, found {stride}")
    return config.model_copy(update={"stride": stride}) if stride else config


def learning_recipe(run: RunFolder, protocol: ProtocolName, overrides: Sequence[str]) -> Recipe:
    """Return how `ttt` and `lora` learn: the recipe in the folder `run`, else the defaults, with `overrides` of the protocol applied.

    This is no part of an artifact. Raises ParameterError for overrides of anything else.
    """
    for override in overrides:
        if protocol not in LEARNING or not override.strip().startswith(f"{protocol}."):
            expected = " or ".join(f"{name}.key=value with protocol {name}" for name in LEARNING)
            raise ParameterError("overrides", f"expected {expected}, found {override} with protocol {protocol}")
    recipe = read_recipe(run.recipe) if protocol in LEARNING and run.recipe.exists() else Recipe()
    return override_recipe(recipe, overrides)
