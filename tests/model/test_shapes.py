"""Names, shapes and their order are the model's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_count, parameter_shapes
from support.drawn_models import every_switch
from support.models import CHANGES, changed


def assert_own(config: ModelConfig) -> None:
    with torch.device("meta"):
        parameters = dict(GPT(config).named_parameters())
    assert [*parameter_shapes(config).items()] == [(name, tuple(parameter.shape)) for name, parameter in parameters.items()]
    assert parameter_count(config) == sum(parameter.numel() for parameter in parameters.values())


@pytest.mark.parametrize("case", CHANGES)
def test_shapes_are_the_models_own(case: str) -> None:
    assert_own(changed(**CHANGES[case]))


@given(config=every_switch(), switch=st.sampled_from(["residual_mix", "unet_skips", "smear_gate"]))
@settings(deadline=None, max_examples=25)
def test_shapes_are_those_of_any_model(config: ModelConfig, switch: str) -> None:
    assert_own(config)
    assert_own(config.model_copy(update={switch: False}))
