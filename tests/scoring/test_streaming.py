"""Streaming scores see what a window sees, where that can be compared."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ScoreConfig
from bytegolf.scoring.protocols import score_tokens
from support.models import changed, random_model
from support.protocol_passes import nats_of, reading
from support.scored_texts import config, random_tokens

# With one layer nothing is known but what is in sight; without neighbours in the first state, a window's edge cuts nothing off.
ALONE = changed(num_layers=1, xsa_layers=1, value_embed_layers=1, smear_gate=False, bigram_size=0, trigram_size=0, isolate_documents=False)


@st.composite
def layouts(draw: st.DrawFn) -> ScoreConfig:
    window = draw(st.integers(1, 20))
    return config(window, draw(st.integers(1, window)))


@given(layout=layouts(), pieces=st.integers(0, 6))
@settings(deadline=None, max_examples=60)
def test_where_a_window_knows_as_much_it_costs_as_much(layout: ScoreConfig, pieces: int) -> None:
    """Windows and pieces end at the same tokens if the text does, so that both have the same in sight."""
    window = layout.window // layout.stride * layout.stride
    layout = config(window, layout.stride)
    model, tokens = random_model(ALONE), random_tokens(window + pieces * layout.stride + 1, 48)
    sliding, streaming = nats_of("sliding", reading(model, tokens, layout)), nats_of("streaming", reading(model, tokens, layout))
    torch.testing.assert_close(streaming, sliding, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("isolate", [False, True])
def test_a_text_that_fits_the_window_is_scored_as_one(isolate: bool) -> None:
    model, tokens = random_model(changed(isolate_documents=isolate)), random_tokens(40, 48)
    standard = score_tokens(model, tokens, 1, "standard", config(60, 60))
    for stride in (1, 7, 20):  # leaving at least 40 tokens in the cache
        streaming = score_tokens(model, tokens, 1, "streaming", config(60, stride))
        assert streaming.bits == pytest.approx(standard.bits, rel=1e-6)
        assert (streaming.protocol, streaming.tokens) == ("streaming", 39)


def test_a_score_depends_on_no_later_token() -> None:
    model, tokens = random_model(changed()), random_tokens(50, 48)
    text = reading(model, tokens, config(12, 5))
    before = nats_of("streaming", text)
    for t in range(2, 50):
        kept, tokens[t] = tokens[t], 2 + tokens[t] % 46
        moved = (nats_of("streaming", text) - before).abs() > 1e-6
        assert moved[t - 1] and not moved[: t - 1].any()  # target t - 1 is token t itself
        tokens[t] = kept


def test_where_pieces_end_decides_what_is_in_sight() -> None:
    model, tokens = random_model(changed()), random_tokens(100, 48)
    bits = {stride: score_tokens(model, tokens, 1, "streaming", config(16, stride)).bits for stride in (1, 5, 16)}
    assert len(set(bits.values())) == 3 and all(math.isfinite(value) for value in bits.values())
