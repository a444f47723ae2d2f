"""The model on a device finds the bits that the one on a processor finds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.exact.bounds import MAX_POSITIONS
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import read_windows
from bytegolf.scoring.exact_on_device import ExactOnDevice
from support.drawn_models import every_switch
from support.exact_models import drawn_texts, drawn_weights
from support.models import CHANGES, changed

DEVICES = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]


def assert_same(config: ModelConfig, texts: int, length: int, device: torch.device, scale: float = 1.0) -> None:
    weights = {name: (values * scale).astype(np.float32) for name, values in drawn_weights(config).items()}
    model, tokens = ExactModel.of(config, weights), drawn_texts(config, texts, length)
    last = max(1, length // 2)
    on_device = ExactOnDevice(model, device)
    np.testing.assert_array_equal(on_device.hidden(tokens).cpu().numpy(), read_windows(model, tokens))
    np.testing.assert_array_equal(on_device.read_windows(tokens, last), read_windows(model, tokens, last))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("case", [case for case in CHANGES if case != "largest vocabulary"])
def test_a_device_finds_the_same_bits(case: str, device: torch.device) -> None:
    assert_same(changed(**CHANGES[case]), 3, 40, device)


@pytest.mark.parametrize("device", DEVICES)
@given(data=st.data(), length=st.integers(1, 12))
@settings(deadline=None, max_examples=25)
def test_of_any_model(data: st.DataObject, length: int, device: torch.device) -> None:
    assert_same(data.draw(every_switch()), 2, length, device)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 100.0])
def test_of_weights_of_any_size(scale: float) -> None:
    assert_same(changed(), 2, 12, DEVICES[-1], scale)


def test_refuses_more_positions_than_attention_sums_exactly() -> None:
    config = changed()
    with pytest.raises(InputError, match=f"at most {MAX_POSITIONS} tokens"):
        ExactOnDevice(ExactModel.of(config, drawn_weights(config)), DEVICES[0]).hidden(np.zeros((1, MAX_POSITIONS + 1), np.int64))
