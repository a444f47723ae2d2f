"""How many windows go through the model at once does not matter: any layout, any model, every protocol there is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.scoring.protocols import PROTOCOLS, score_tokens
from support.drawn_models import every_switch
from support.models import changed, random_model

LARGEST = 1 << 20  # everything at once


def bits_of(model: GPT, tokens: NDArray[np.uint16], protocol: ProtocolName, window: int, stride: int, batch_tokens: int) -> float:
    config = ScoreConfig(window=window, stride=stride, batch_tokens=batch_tokens)
    return score_tokens(model, tokens, 1, protocol, config).bits


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_one_window_at_a_time_or_many_give_the_same_bits(protocol: ProtocolName, data: st.DataObject) -> None:
    model = random_model(data.draw(every_switch()), seed=data.draw(st.integers(0, 1000)))
    window = data.draw(st.integers(1, 12))
    layout = protocol, window, data.draw(st.integers(1, window))
    draw = np.random.default_rng(data.draw(st.integers(0, 1000)))
    tokens = draw.integers(0, model.config.vocab_size, data.draw(st.integers(2, 60))).astype(np.uint16)
    alone, some, together = (bits_of(model, tokens, *layout, size) for size in (1, window * data.draw(st.integers(2, 9)), LARGEST))
    assert [some, together] == pytest.approx([alone, alone], abs=1e-5 * len(tokens))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_in_bfloat16_only_its_rounding_differs(protocol: ProtocolName) -> None:
    """Its last bit is 0.4 % of a logit, here up to 10, and it comes out either way: over many targets that cancels."""
    model = random_model(changed(), compute_dtype=torch.bfloat16)
    tokens = np.random.default_rng(0).integers(0, 48, 400).astype(np.uint16)
    alone, together = (bits_of(model, tokens, protocol, 16, 5, size) for size in (1, LARGEST))
    assert together == pytest.approx(alone, rel=1e-3)
