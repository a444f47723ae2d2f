"""Lanes side by side: each predicts as its own text would, in both directions alike."""

import numpy as np
import pytest

from bytegolf.arrays import Tokens
from bytegolf.coding.codec import decode, encode, lane_lengths
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.config import BOS, ExpertsConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import read_windows
from support.exact_models import drawn_weights, frequencies
from support.models import changed

EXPERTS = ExpertsConfig(enabled=True, table_bits=8, history_bits=8)


def model_of() -> ExactModel:
    return ExactModel.of(changed(), drawn_weights(changed()))


def random_text(length: int) -> Tokens:
    return np.random.default_rng(0).integers(4, 48, length).astype(np.uint16)


@pytest.mark.parametrize("experts", [None, EXPERTS], ids=["alone", "with experts"])
@pytest.mark.parametrize("lanes", [1, 3, 7])
def test_what_lanes_encode_lanes_decode(lanes: int, experts: ExpertsConfig | None) -> None:
    model, text = model_of(), random_text(100)
    parts = np.split(text, np.cumsum(lane_lengths(100, lanes))[:-1])
    coded = encode(LanePredictor(model, experts, lanes, 16), parts)
    assert (np.concatenate(decode(LanePredictor(model, experts, lanes, 16), lane_lengths(100, lanes), coded)) == text).all()


def test_a_lane_is_predicted_as_a_document_of_its_own() -> None:
    model, texts = model_of(), random_text(12).reshape(2, 6)
    predictor = LanePredictor(model, None, lanes=2, window=16)
    rows = []
    for tokens_L in texts.T:
        rows.append(predictor.predict())
        predictor.observe(tokens_L)
    for lane, text in enumerate(texts):
        alone = frequencies(model, read_windows(model, np.array([[BOS, *text[:-1].tolist()]])))[0]
        np.testing.assert_array_equal(np.stack(rows)[:, lane], alone)


def test_lanes_learn_from_each_other() -> None:
    """The second lane has seen what the first one repeats."""
    predictor, phrase, rows = LanePredictor(model_of(), EXPERTS, lanes=2, window=16), random_text(6), []
    for position in range(5):
        rows.append(predictor.predict())
        predictor.observe(np.array([phrase[position], phrase[position]]))
    alone = LanePredictor(model_of(), EXPERTS, lanes=1, window=16)
    alone.predict()
    assert (rows[0][0] == alone.predict()[0]).all()
    assert rows[1][0, phrase[1]] > 0
