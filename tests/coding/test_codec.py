"""The coder: what goes in comes out, at the length that the distributions say; and the protocols as predictors."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.coding.codec import DamagedError, decode, encode, segments
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.predictor import Distributions, Lane
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Draft, Repetition, Truth
from bytegolf.proving.protocol_predictor import Replay, reading
from bytegolf.scoring.protocols import PROTOCOLS, score_tokens
from support.models import changed, random_model

CONFIG = ScoreConfig(window=16, stride=5, batch_tokens=16)
TTT = TttConfig(lr=0.5, epochs=2, chunk_tokens=40, batch_sequences=2)


class Given:
    """Distributions that do not depend on what was observed: (positions, lanes, V)."""

    def __init__(self, distributions: NDArray[np.float64]) -> None:
        self.distributions = distributions
        _, self.lanes, self.vocab_size = distributions.shape
        self.reset()

    def reset(self) -> None:
        self.position = 0
        self.observed: list[list[int]] = []

    def predict(self) -> Distributions:
        return self.distributions[self.position]

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        self.observed.append(tokens_L.tolist())
        self.position += 1


class Wrong:
    """Guesses what is never right."""

    def guess(self, tokens: Lane, known: int, count: int) -> NDArray[np.integer]:
        return np.full(count, 3)


def text_of(length: int, vocab: int = 48, seed: int = 0) -> Lane:
    return np.random.default_rng(seed).integers(4, vocab, length).astype(np.uint16)


@given(data=st.data(), lanes=st.integers(1, 5), tokens=st.integers(0, 60), vocab=st.integers(2, 400), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_what_is_encoded_decodes_at_the_length_that_the_distributions_say(
    data: st.DataObject, lanes: int, tokens: int, vocab: int, seed: int
) -> None:
    lengths = segments(tokens, lanes)
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(max(lengths[0], 1), lanes, vocab)) * data.draw(st.sampled_from([0.0, 1.0, 10.0]))
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(-1, keepdims=True)
    texts = [rng.integers(0, vocab, length).astype(np.uint16) for length in lengths]
    predictor = Given(probabilities)
    coded = encode(predictor, texts)
    decoded = decode(predictor, lengths, coded)
    assert all((a == b).all() for a, b in zip(texts, decoded, strict=True))
    floor = 2.0**-24
    chances = [probabilities[i, lane, text[i]] for lane, text in enumerate(texts) for i in range(len(text))]
    bits = -sum(math.log2((1 - vocab * floor) * p + floor) for p in chances)
    assert bits - 1 <= 8 * len(coded) <= bits + 64 + 1e-6 * tokens


def test_a_predictor_is_told_what_was_coded_and_nothing_else() -> None:
    predictor = Given(np.full((3, 2, 4), 0.25))
    encode(predictor, [np.array([1, 2, 3], np.uint16), np.array([3, 1], np.uint16)])
    assert predictor.observed == [[1, 3], [2, 1], [3, 0]]  # 0 where a lane has ended


def test_lanes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="lanes"):
        encode(Given(np.full((3, 2, 4), 0.25)), [np.zeros(2, np.uint16), np.zeros(3, np.uint16)])


def test_bytes_that_are_no_stream_are_refused() -> None:
    predictor = Given(np.full((50, 1, 4), 0.25))
    coded = encode(predictor, [np.ones(50, np.uint16)])
    for wrong in (coded[:-1], coded + coded):
        with pytest.raises(DamagedError):
            decode(predictor, [50], wrong)


@given(tokens=st.integers(0, 10**6), lanes=st.integers(1, 100))
def test_segments_share_all_tokens_out(tokens: int, lanes: int) -> None:
    lengths = segments(tokens, lanes)
    assert sum(lengths) == tokens and len(lengths) == lanes and lengths[0] - lengths[-1] <= 1


def replayed(model: GPT, protocol: ProtocolName, text: Lane, draft: Callable[[], Draft], config: ScoreConfig = CONFIG) -> Replay:
    return Replay(48, reading(model, protocol, config, TTT), int(text[0]), len(text) - 1, draft)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("length", [2, 9, 17, 130])
def test_a_protocol_decodes_to_the_text_at_the_bits_it_claims(protocol: ProtocolName, length: int) -> None:
    model, text = random_model(changed()), text_of(length)
    score = score_tokens(model, text, 1, protocol, CONFIG, ttt=TTT)
    encoder = replayed(model, protocol, text, lambda: Truth(text))
    coded = encode(encoder, [text[1:]])
    decoder = replayed(model, protocol, text, Repetition)
    assert (decode(decoder, [length - 1], coded)[0] == text[1:]).all()
    assert abs(8 * len(coded) - score.bits) <= 64 + 0.001 * score.bits


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_guesses_change_the_number_of_passes_and_nothing_else(protocol: ProtocolName) -> None:
    model, text = random_model(changed()), text_of(90)
    knowing = replayed(model, protocol, text, lambda: Truth(text))
    coded = encode(knowing, [text[1:]])
    wrong = replayed(model, protocol, text, Wrong)
    assert encode(wrong, [text[1:]]) == coded
    assert wrong.forwards == 89 and knowing.forwards <= 89 // CONFIG.stride + 1
    again = np.tile(text[:9], 10)
    repeating = replayed(model, protocol, again, Repetition)
    encode(repeating, [again[1:]])
    assert repeating.forwards < 60


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_model_decodes_to_something_else(protocol: ProtocolName) -> None:
    model, text = random_model(changed()), text_of(60)
    coded = encode(replayed(model, protocol, text, lambda: Truth(text)), [text[1:]])
    with torch.no_grad():
        model.controls.q_gain += 0.001
    try:
        decoded = decode(replayed(model, protocol, text, Repetition), [59], coded)
    except DamagedError:
        return
    assert (decoded[0] != text[1:]).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_predictor_says_what_the_score_says(protocol: ProtocolName) -> None:
    """Test-time training changes the bits of this text by more than the tolerance, and so does every other window."""
    model, text = random_model(changed()), text_of(130)
    predictor = replayed(model, protocol, text, Repetition)
    bits = 0.0
    for token in text[1:]:
        bits -= math.log2(predictor.predict()[0, token])
        predictor.observe(np.array([token]))
    score = score_tokens(model, text, 1, protocol, CONFIG, ttt=TTT).bits
    assert bits == pytest.approx(score, rel=1e-6)
    if protocol == "ttt":
        assert score != pytest.approx(score_tokens(model, text, 1, "sliding", CONFIG).bits, rel=1e-3)


@pytest.mark.parametrize("lanes", [1, 3, 7])
def test_step_mode_decodes(lanes: int) -> None:
    model, text = random_model(changed()), text_of(100)
    parts = np.split(text, np.cumsum(segments(100, lanes))[:-1])
    coded = encode(LanePredictor(model, lanes, 16), parts)
    assert (np.concatenate(decode(LanePredictor(model, lanes, 16), segments(100, lanes), coded)) == text).all()
