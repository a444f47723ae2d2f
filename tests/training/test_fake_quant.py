"""What training sees under fake quantisation is what the artifact will hold."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from bytegolf.artifact.grid_weights import GridWeights
from bytegolf.artifact.shapes import stack_shape
from bytegolf.artifact.trellis_weights import TrellisStack
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Bits, weight_class
from bytegolf.packing.rounding import quantize_model
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.training.fake_quant import ClassBits, Grid, SpacingTable, fake_quantize
from support.runs import micro

BITS: Bits = {"mlp": 2.5, "attention": 3.0, "embedding": 6.0, "table": 4.0, "projection": 12.0}


def random_weights() -> dict[str, Tensor]:
    """Every matrix at a scale of its own, and one of zeros, as outputs are at the start."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, parameter in GPT(micro().model).named_parameters():
        scales = 10 ** torch.empty(*parameter.shape[:-2], 1, 1).uniform_(-3, 1, generator=generator)
        weights[name] = (torch.randn(parameter.shape, generator=generator) * scales).reshape(parameter.shape)
    weights["banks.down"] = torch.randn(2, 32, 64, generator=generator) * torch.tensor([0.0, 0.3])[:, None, None]
    return weights


def test_the_forward_pass_sees_the_artifacts_weights() -> None:
    weights, recipe = random_weights(), micro()
    stored = quantize_model(weights, recipe, BytesTokenizer(), BITS).weights
    assert isinstance(stored, GridWeights)
    seen = fake_quantize(weights, ClassBits(BITS))
    assert set(stored.stacks) == {name for name in weights if weight_class(name) != "control"}
    for name, quantized in stored.stacks.items():
        expected = torch.from_numpy(quantized.values()).reshape(weights[name].shape)
        # w + (ŵ − w) is ŵ but for its last bit
        torch.testing.assert_close(seen[name], expected, rtol=0, atol=3e-7 * float(weights[name].abs().max()))
        integers = seen[name].reshape(quantized.integers.shape) / torch.from_numpy(quantized.spacings)[:, None, None]
        assert torch.equal(integers.round().int(), torch.from_numpy(quantized.integers)), name
        assert not torch.equal(seen[name], weights[name]), name


def random_grids(weights: dict[str, Tensor]) -> dict[str, TrellisStack]:
    """Return spacings that leave some precision, for controls too; the integers do not matter."""
    draw, grids = np.random.default_rng(0), {}
    for name, weight in weights.items():
        stack = stack_shape(weight.shape)
        row_scales, column_scales = (draw.integers(-6, 7, size=(stack[0], side)).astype(np.int32) for side in stack[1:])
        steps = weight.abs().reshape(stack).mean(dim=(1, 2)).numpy() * 2 ** draw.uniform(-3, 0, size=stack[0]) / 16 + 1e-6
        grids[name] = TrellisStack(np.zeros(stack, np.int32), steps.astype(np.float32), row_scales, column_scales)
    return grids


def test_the_forward_pass_sees_the_packers_grid() -> None:
    """Every weight at the nearest multiple of its matrix's spacing times 2^(1/2) for each half octave of its row and its column."""
    weights = random_weights()
    grids = random_grids(weights)
    seen = fake_quantize(weights, SpacingTable.of(grids))
    for name, grid in grids.items():
        rows, columns = (2.0 ** (scales / 2) for scales in (grid.row_scales, grid.column_scales))
        steps = np.einsum("m,mr,mc->mrc", grid.spacings.astype(np.float64), rows, columns)
        exact = weights[name].double().reshape(steps.shape).numpy()
        integers = np.rint(exact / steps)
        clear = np.abs(np.abs(exact / steps - integers) - 0.5) > 1e-2  # not halfway, where float32 may go the other way
        found = seen[name].reshape(steps.shape).numpy()
        np.testing.assert_allclose(found[clear], (integers * steps)[clear], rtol=0, atol=4e-7 * np.abs(exact).max(), err_msg=name)
        assert not torch.equal(seen[name], weights[name]), name


def test_the_spacings_are_the_packers_bit_for_bit() -> None:
    weights = random_weights()
    for name, grid in random_grids(weights).items():
        steps = SpacingTable.of({name: grid}).spacings(name, weights[name])
        assert steps is not None and steps.shape == weights[name].shape
        assert np.array_equal(steps.reshape(grid.integers.shape).numpy(), grid.weight_spacings())


@pytest.mark.parametrize("grid", [ClassBits(BITS), SpacingTable.of(random_grids(random_weights()))], ids=["bits", "table"])
def test_the_gradient_passes_straight_through(grid: Grid) -> None:
    weights = {name: weight.requires_grad_() for name, weight in random_weights().items()}
    generator = torch.Generator().manual_seed(1)
    pulls = {name: torch.randn(weight.shape, generator=generator) for name, weight in weights.items()}
    total = torch.stack([(seen * pulls[name]).sum() for name, seen in fake_quantize(weights, grid).items()]).sum()
    total.backward()
    for name, weight in weights.items():
        assert weight.grad is not None and torch.equal(weight.grad, pulls[name]), name


def test_classes_that_are_not_named_stay_as_they_are() -> None:
    weights = random_weights()
    seen = fake_quantize(weights, ClassBits({"mlp": 3.0}))
    assert list(seen) == list(weights)
    for name, weight in weights.items():
        assert (seen[name] is weight) == (name not in ("banks.up", "banks.down"))
    for nothing in (ClassBits({}), SpacingTable({})):
        assert not nothing.rounds and all(seen is weights[name] for name, seen in fake_quantize(weights, nothing).items())


def test_gains_are_never_rounded() -> None:
    weights = random_weights()
    seen = fake_quantize(weights, ClassBits(BITS))
    controls = [name for name in weights if weight_class(name) == "control"]
    assert controls and all(seen[name] is weights[name] for name in controls)


def test_more_bits_come_closer() -> None:
    weights = random_weights()
    errors = []
    for bits in (2.0, 3.0, 4.0, 5.0):
        error = fake_quantize(weights, ClassBits({"attention": bits}))["banks.qo"] - weights["banks.qo"]
        errors.append(error.square().mean(dim=(1, 2)) / weights["banks.qo"].square().mean(dim=(1, 2)))
    for coarse, fine in pairwise(errors):
        assert ((coarse / fine > 3) & (coarse / fine < 5)).all(), "half the spacing is a quarter of the error, whatever a matrix's scale"
