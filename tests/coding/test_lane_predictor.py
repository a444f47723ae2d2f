"""Lanes side by side: each predicts as its own text would, in both directions alike."""

import numpy as np
import pytest
import torch

from bytegolf.arrays import Tokens
from bytegolf.coding.codec import decode, encode, lane_lengths
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.config import BOS
from support.models import changed, random_model


def random_text(length: int) -> Tokens:
    return np.random.default_rng(0).integers(4, 48, length).astype(np.uint16)


@pytest.mark.parametrize("lanes", [1, 3, 7])
def test_what_lanes_encode_lanes_decode(lanes: int) -> None:
    model, text = random_model(changed()), random_text(100)
    parts = np.split(text, np.cumsum(lane_lengths(100, lanes))[:-1])
    coded = encode(LanePredictor(model, lanes, 16), parts)
    assert (np.concatenate(decode(LanePredictor(model, lanes, 16), lane_lengths(100, lanes), coded)) == text).all()


def test_a_lane_is_predicted_as_a_document_of_its_own() -> None:
    model, texts = random_model(changed()), random_text(12).reshape(2, 6)
    predictor = LanePredictor(model, lanes=2, window=16)
    rows = []
    for tokens_L in texts.T:
        rows.append(predictor.predict())
        predictor.observe(tokens_L)
    for lane, text in enumerate(texts):
        with torch.no_grad():
            logits = model(torch.tensor([[BOS, *text[:-1].tolist()]]))[0]
        np.testing.assert_allclose(np.stack(rows)[:, lane], torch.softmax(logits, -1).numpy(), rtol=1e-4)


def test_reset_forgets() -> None:
    predictor = LanePredictor(random_model(changed()), lanes=2, window=16)
    before = predictor.predict()
    predictor.observe(np.array([5, 6]))
    assert (predictor.predict() != before).any()
    predictor.reset()
    assert (predictor.predict() == before).all()
