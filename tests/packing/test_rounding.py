"""Weights on their grid, and weights that have none."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bytegolf.artifact.container import read_artifact, write_artifact
from bytegolf.artifact.grid import spacings_for_bits
from bytegolf.errors import InputError
from bytegolf.model.weights import WeightClass, weight_class
from bytegolf.packing.rounding import quantize_model
from bytegolf.text.tokenizer import BytesTokenizer
from support.artifacts import grids_of
from support.packing_cases import RECIPE, small_weights

BITS: dict[WeightClass, float] = {"mlp": 3.0, "attention": 4.0, "embedding": 5.0, "table": 6.0, "projection": 7.0}


def changed_weights(name: str, value: float) -> dict[str, Tensor]:
    """A model with one element of one parameter replaced."""
    weights = small_weights()
    weights[name] = weights[name].clone()
    weights[name].view(-1)[-1] = value
    return weights


def test_every_weight_is_at_the_nearest_point_of_its_class() -> None:
    weights = small_weights()
    artifact = quantize_model(weights, RECIPE, BytesTokenizer(), BITS)
    assert artifact.config == RECIPE.model and artifact.score == RECIPE.score
    for name, quantized in grids_of(artifact).stacks.items():
        stack = weights[name].reshape(-1, *weights[name].shape[-2:])
        spacings = spacings_for_bits(stack, BITS[weight_class(name)])
        np.testing.assert_array_equal(quantized.spacings, spacings.flatten().numpy(), name)
        assert ((torch.from_numpy(quantized.values()) - stack).abs() <= spacings / 2 * (1 + 1e-5)).all(), name
    for name, control in grids_of(artifact).controls.items():
        np.testing.assert_array_equal(control, weights[name].numpy().astype(np.float16), name)


def test_weights_in_bfloat16_are_packed_as_they_are() -> None:
    weights = {name: weight.bfloat16() for name, weight in small_weights().items()}
    exact = {name: weight.float() for name, weight in weights.items()}
    found, expected = (quantize_model(each, RECIPE, BytesTokenizer(), BITS) for each in (weights, exact))
    for name, stack in expected.weights.stacks.items():
        np.testing.assert_array_equal(found.weights.stacks[name].integers, stack.integers)


@pytest.mark.parametrize("name", ["banks.up", "tokens", "bigram.table", "trigram.projection", "bigram.scale", "controls.q_gain"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite(name: str, value: float) -> None:
    with pytest.raises(InputError, match=rf"^{name}: expected finite weights, found NaN or infinity$"):
        quantize_model(changed_weights(name, value), RECIPE, BytesTokenizer(), BITS)


@pytest.mark.parametrize("value", [65_520.0, -1e6, 1e38])
def test_gains_beyond_float16(value: float) -> None:
    with pytest.raises(InputError, match=r"^smear\.gate: expected gains within float16, found "):
        quantize_model(changed_weights("smear.gate", value), RECIPE, BytesTokenizer(), BITS)


def test_the_largest_gain_of_float16() -> None:
    artifact = quantize_model(changed_weights("smear.gate", 65_504.0), RECIPE, BytesTokenizer(), BITS)
    assert grids_of(artifact).controls["smear.gate"][-1] == 65_504


@pytest.mark.parametrize("value", [1e15, 1e25, 3e38])
def test_what_is_packed_can_be_read(value: float) -> None:
    """A weight whose square leaves float32 must not give a spacing that no reader accepts."""
    weights = changed_weights("banks.up", value)
    try:
        artifact = quantize_model(weights, RECIPE, BytesTokenizer(), BITS)
    except InputError as error:
        assert str(error).startswith("banks.up: expected")
    else:
        again = read_artifact(write_artifact(artifact).data)
        assert np.isfinite(again.weights.values("banks.up")).all()


def test_a_matrix_of_zeros() -> None:
    weights = small_weights()
    weights["bigram.table"] = torch.zeros_like(weights["bigram.table"])
    artifact = quantize_model(weights, RECIPE, BytesTokenizer(), BITS)
    assert not artifact.weights.stacks["bigram.table"].integers.any()
    assert np.isfinite(grids_of(artifact).stacks["bigram.table"].spacings).all()


def test_a_spacing_too_fine_for_the_coder_is_refused_by_name() -> None:
    """One weight holds all of a large matrix's energy."""
    weights = small_weights()
    weights["tokens"] = torch.zeros_like(weights["tokens"])
    weights["tokens"][3, 4] = 1.0
    with pytest.raises(InputError, match=r"^tokens: expected weights within 1,048,575 spacings of 0, found .*lower its bits"):
        quantize_model(weights, RECIPE, BytesTokenizer(), {**BITS, "embedding": 16.5})
