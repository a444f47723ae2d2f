"""The protocols as predictors: they say what is scored, whatever they guess, and so a coded text decodes."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bytegolf.arrays import Tokens
from bytegolf.coding.codec import DamagedError, decode, encode
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Guesser, Repetition, Truth
from bytegolf.proving.protocol_predictor import ProtocolPredictor, ProtocolSettings
from bytegolf.scoring.protocols import PROTOCOLS, score_tokens
from support.models import changed, random_model

CONFIG = ScoreConfig(window=16, stride=5, batch_tokens=16)
TTT = TttConfig(lr=0.5, epochs=2, chunk_tokens=40, batch_sequences=2)


class Wrong:
    """Guesses what is never right."""

    def guess(self, tokens: Tokens, known: int, count: int) -> NDArray[np.integer]:
        return np.full(count, 3)


def random_text(length: int, vocab: int = 48, seed: int = 0) -> Tokens:
    return np.random.default_rng(seed).integers(4, vocab, length).astype(np.uint16)


def predictor_of(model: GPT, protocol: ProtocolName, text: Tokens, new_guesser: Callable[[], Guesser]) -> ProtocolPredictor:
    return ProtocolPredictor(model, ProtocolSettings(protocol, CONFIG, TTT), int(text[0]), len(text) - 1, new_guesser)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("length", [2, 9, 17, 130])
def test_a_protocol_decodes_to_the_text_at_the_bits_it_claims(protocol: ProtocolName, length: int) -> None:
    model, text = random_model(changed()), random_text(length)
    score = score_tokens(model, text, 1, protocol, CONFIG, ttt=TTT)
    encoder = predictor_of(model, protocol, text, lambda: Truth(text))
    coded = encode(encoder, [text[1:]])
    decoder = predictor_of(model, protocol, text, Repetition)
    assert (decode(decoder, [length - 1], coded)[0] == text[1:]).all()
    assert abs(8 * len(coded) - score.bits) <= 64 + 0.001 * score.bits


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_guesses_change_the_number_of_passes_and_nothing_else(protocol: ProtocolName) -> None:
    model, text = random_model(changed()), random_text(90)
    knowing = predictor_of(model, protocol, text, lambda: Truth(text))
    coded = encode(knowing, [text[1:]])
    wrong = predictor_of(model, protocol, text, Wrong)
    assert encode(wrong, [text[1:]]) == coded
    assert wrong.forwards == 89 and knowing.forwards <= 89 // CONFIG.stride + 1
    again = np.tile(text[:9], 10)
    repeating = predictor_of(model, protocol, again, Repetition)
    encode(repeating, [again[1:]])
    assert repeating.forwards < 60


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_model_decodes_to_something_else(protocol: ProtocolName) -> None:
    model, text = random_model(changed()), random_text(60)
    coded = encode(predictor_of(model, protocol, text, lambda: Truth(text)), [text[1:]])
    with torch.no_grad():
        model.controls.q_gain.add_(0.001)
    try:
        decoded = decode(predictor_of(model, protocol, text, Repetition), [59], coded)
    except DamagedError:
        return
    assert (decoded[0] != text[1:]).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_predictor_says_what_the_score_says(protocol: ProtocolName) -> None:
    """Test-time training changes the bits of this text by more than the tolerance, and so does every other window."""
    model, text = random_model(changed()), random_text(130)
    predictor = predictor_of(model, protocol, text, Repetition)
    bits = 0.0
    for token in text[1:]:
        bits -= math.log2(predictor.predict()[0, token])
        predictor.observe(np.array([token]))
    score = score_tokens(model, text, 1, protocol, CONFIG, ttt=TTT).bits
    assert bits == pytest.approx(score, rel=1e-6)
    if protocol == "ttt":
        assert score != pytest.approx(score_tokens(model, text, 1, "sliding", CONFIG).bits, rel=1e-3)
