"""A run or an artifact, and a prompt -> text that follows it."""

import secrets
from pathlib import Path

from bytegolf.coding.generation import Generation, GenerationLimits
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.sampling import Sampling
from bytegolf.errors import ParameterError
from bytegolf.flow.models import experts_used, load_model

FRESH_SEEDS = 1 << 32  # to draw one from: short enough to be typed


def generate(
    source: Path,
    prompt: str = "",
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    max_tokens: int = 256,
    seed: int | None = None,
    experts: bool = False,
    stop: bool = True,
) -> Generation:
    """Return text that follows a prompt, by a run or an artifact: iterate over its pieces, which are made as they are asked for.

    `temperature` 0 takes the likeliest token; `top_k` leaves in that many, `top_p` those that have so much of the probability
    together. The same `seed` gives the same text on every machine; without one it is drawn, and `Generation.seed` tells it. With
    `experts` the model learns from the prompt and from its own text. Generation ends with the document, if `stop` is set, or
    after `max_tokens`. Raises ParameterError for numbers out of range and for a prompt that is no text.
    """
    sampling = Sampling(temperature, top_k, top_p)
    if max_tokens < 1:
        raise ParameterError("max_tokens", f"expected a whole number from 1 up, found {max_tokens}")
    loaded = load_model(source)
    predictor = LanePredictor(loaded.exact_model(), experts_used(loaded.experts, experts), 1, loaded.score.window)
    chosen = secrets.randbelow(FRESH_SEEDS) if seed is None else seed
    return Generation(predictor, loaded.tokenizer, prompt, sampling, GenerationLimits(max_tokens, stop), chosen)
