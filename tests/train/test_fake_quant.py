"""What training sees under fake quantisation is what the artifact will hold."""

from itertools import pairwise

import torch
from torch import Tensor

from bytegolf.model.gpt import GPT, weight_class
from bytegolf.pack.quantize import quantize_model
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.train.fake_quant import ClassBits, fake_quantize

from .cases import micro

BITS = {"mlp": 2.5, "attention": 3.0, "embedding": 6.0, "table": 4.0, "projection": 12.0}


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
    artifact = quantize_model(weights, recipe, BytesTokenizer(), BITS)
    seen = fake_quantize(weights, ClassBits(BITS))
    assert set(artifact.weights) == {name for name in weights if weight_class(name) != "control"}
    for name, quantized in artifact.weights.items():
        expected = quantized.values().reshape(weights[name].shape)
        # w + (ŵ − w) is ŵ but for its last bit
        torch.testing.assert_close(seen[name], expected, rtol=0, atol=3e-7 * float(weights[name].abs().max()))
        integers = seen[name].reshape(quantized.integers.shape) / torch.from_numpy(quantized.steps)[:, None, None]
        assert torch.equal(integers.round().int(), torch.from_numpy(quantized.integers)), name
        assert not torch.equal(seen[name], weights[name]), name


def test_the_gradient_passes_straight_through() -> None:
    weights = {name: weight.requires_grad_() for name, weight in random_weights().items()}
    generator = torch.Generator().manual_seed(1)
    pulls = {name: torch.randn(weight.shape, generator=generator) for name, weight in weights.items()}
    total = torch.stack([(seen * pulls[name]).sum() for name, seen in fake_quantize(weights, ClassBits(BITS)).items()]).sum()
    total.backward()
    for name, weight in weights.items():
        assert weight.grad is not None and torch.equal(weight.grad, pulls[name]), name


def test_classes_that_are_not_named_stay_as_they_are() -> None:
    weights = random_weights()
    seen = fake_quantize(weights, ClassBits({"mlp": 3.0}))
    assert list(seen) == list(weights)
    for name, weight in weights.items():
        assert (seen[name] is weight) == (name not in ("banks.up", "banks.down"))
    assert all(seen is weights[name] for name, seen in fake_quantize(weights, ClassBits({})).items())


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
        assert ((coarse / fine > 3) & (coarse / fine < 5)).all(), "half the step is a quarter of the error, whatever a matrix's scale"
