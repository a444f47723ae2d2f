"""The protocols as predictors: token by token they say what is scored in one pass, to the bit, and so a coded text decodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Tokens
from bytegolf.coding.codec import DamagedError, decode, encode
from bytegolf.coding.proof_file import PROTOCOLS
from bytegolf.coding.protocol_predictor import ProtocolPredictor, ProtocolSettings
from bytegolf.config import ExpertsConfig, ScoreConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import TOTAL
from bytegolf.names import ProvableName
from bytegolf.scoring.exact import exact_rows, score_exactly
from support.drawn_models import every_switch
from support.exact_models import drawn_weights
from support.models import changed
from support.scored_texts import config

CONFIG = config(16, 5)
EXPERTS = ExpertsConfig(enabled=True, table_bits=8, history_bits=8)


def random_text(length: int, vocab: int = 48, seed: int = 0) -> Tokens:
    tokens = np.random.default_rng(seed).integers(1, vocab, length).astype(np.uint16)
    tokens[::11] = 1  # documents begin
    return tokens


def model_of(seed: int = 1) -> ExactModel:
    return ExactModel.of(changed(isolate_documents=True), drawn_weights(changed(isolate_documents=True), seed))


def predictor_of(
    model: ExactModel, protocol: ProvableName, text: Tokens, layout: ScoreConfig = CONFIG, experts: ExpertsConfig | None = None
) -> ProtocolPredictor:
    return ProtocolPredictor(model, ProtocolSettings(protocol, layout, experts), int(text[0]), len(text) - 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(architecture=every_switch(), targets=st.integers(1, 40), window=st.integers(1, 12), data=st.data())
@settings(deadline=None, max_examples=25)
def test_token_by_token_is_what_one_pass_finds(
    protocol: ProvableName, architecture: object, targets: int, window: int, data: st.DataObject
) -> None:
    layout = config(window, data.draw(st.integers(1, window)))
    model = ExactModel.of(architecture, drawn_weights(architecture))  # type: ignore[arg-type]
    text = random_text(targets + 1, model.config.vocab_size)
    rows = np.concatenate([rows for _, rows in exact_rows(model, text, protocol, layout)])
    predictor = predictor_of(model, protocol, text, layout)
    for row, token in zip(rows, text[1:], strict=True):
        np.testing.assert_array_equal(predictor.predict()[0], row)
        predictor.observe(np.array([token]))
    assert (predictor.tokens == text).all() and (rows.sum(axis=1) == TOTAL).all()


@pytest.mark.parametrize("experts", [None, EXPERTS], ids=["alone", "with experts"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("length", [2, 9, 17, 130])
def test_a_protocol_decodes_to_the_text_at_the_bits_it_claims(protocol: ProvableName, length: int, experts: ExpertsConfig | None) -> None:
    model, text = model_of(), random_text(length)
    score = score_exactly(model, text, 1, protocol, CONFIG, experts=experts)
    coded = encode(predictor_of(model, protocol, text, experts=experts), [text[1:]])
    assert (decode(predictor_of(model, protocol, text, experts=experts), [length - 1], coded)[0] == text[1:]).all()
    assert 0 <= 8 * len(coded) - score.bits <= 64


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_model_decodes_to_something_else(protocol: ProvableName) -> None:
    text = random_text(60)
    coded = encode(predictor_of(model_of(), protocol, text), [text[1:]])
    try:
        decoded = decode(predictor_of(model_of(seed=5), protocol, text), [59], coded)
    except DamagedError:
        return
    assert (decoded[0] != text[1:]).any()
