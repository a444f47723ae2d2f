"""What holds for a score whatever its protocol."""

import math

import numpy as np
import pytest

from bytegolf.errors import InputError
from bytegolf.names import ProtocolName
from bytegolf.scoring.protocols import PROTOCOLS, score_tokens
from support.models import changed, random_model
from support.scored_models import Broken, Uniform, as_gpt
from support.scored_texts import config, random_tokens

WITH_WINDOWS: tuple[ProtocolName, ...] = ("standard", "sliding")
WINDOW, STRIDE = 8, 3


def test_the_first_token_is_given() -> None:
    """It has no bits: another first token changes what follows, and a stream of two tokens has one target."""
    assert score_tokens(as_gpt(Uniform(4)), np.array([1, 2]), 1, "sliding", config(8, 2)).bits == pytest.approx(2.0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_counts_every_target(protocol: ProtocolName) -> None:
    advanced: list[int] = []
    tokens = random_tokens(100, 48)
    score = score_tokens(random_model(changed()), tokens, 7, protocol, config(WINDOW, STRIDE), advanced.append)
    assert (score.protocol, score.tokens, score.bytes) == (protocol, 99, 7)
    assert sum(advanced) == 99 and min(advanced) > 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_shortest_text_has_one_target(protocol: ProtocolName) -> None:
    score = score_tokens(random_model(changed()), random_tokens(2, 48), 1, protocol, config(WINDOW, STRIDE))
    assert score.tokens == 1 and score.bits > 0


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("protocol", WITH_WINDOWS)
def test_scoring_leaves_the_model_as_it_was(protocol: ProtocolName, training: bool) -> None:
    model = Uniform(11).train(training)
    score_tokens(as_gpt(model), random_tokens(30), 1, protocol, config(WINDOW, STRIDE))
    assert model.training is training
    assert model.training_at_work == {False}  # neither dropout nor gradients meanwhile
    assert model.logit.grad is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_are_no_score(value: float) -> None:
    with pytest.raises(InputError, match="expected finite scores"):
        score_tokens(as_gpt(Broken(value)), random_tokens(30), 1, "sliding", config(WINDOW, STRIDE))
