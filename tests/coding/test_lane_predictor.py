"""Lanes side by side: each predicts as its own text would, in both directions alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@given(
    parts=st.lists(st.integers(0, 20), min_size=1, max_size=4),
    window=st.integers(1, 12),
    lanes=st.integers(1, 3),
    experts=st.sampled_from([None, EXPERTS]),
)
@settings(deadline=None, max_examples=60)
def test_what_is_known_may_be_read_at_once(parts: list[int], window: int, lanes: int, experts: ExpertsConfig | None) -> None:
    """Parts that are read, with a token between them that is predicted: the same bits as token by token, beyond the window too."""
    model, texts = model_of(), random_text(lanes * (sum(parts) + len(parts))).reshape(lanes, -1)
    reading, stepping = (LanePredictor(model, experts, lanes, window) for _ in range(2))
    first = 0
    for length in parts:
        reading.read(texts[:, first : first + length])
        for tokens_L in texts[:, first : first + length].T:
            stepping.predict()
            stepping.observe(tokens_L)
        np.testing.assert_array_equal(reading.predict(), stepping.predict())
        for predictor in (reading, stepping):
            predictor.observe(texts[:, first + length])
        first += length + 1


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
