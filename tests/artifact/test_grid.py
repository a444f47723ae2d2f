"""The grid: steps named in bits, rounding to the nearest, each matrix for itself."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.artifact.grid import dequantize, quantize, spacings_for_bits


def bank(matrices: int = 3, rows: int = 7, columns: int = 11, seed: int = 0) -> Tensor:
    """Matrices of very different scale."""
    noise = torch.randn(matrices, rows, columns, generator=torch.Generator().manual_seed(seed))
    return noise * torch.logspace(-6, 3, matrices)[:, None, None]


def plain_step(matrix: Tensor, bits: float) -> float:
    """A normal distribution of this size has this many bits of entropy when cut into such steps: h(normal) − log2(step) = bits."""
    mean_square = sum(value**2 for value in matrix.flatten().tolist()) / matrix.numel()
    entropy_of_a_normal = 0.5 * math.log2(2 * math.pi * math.e * mean_square)
    return 2 ** (entropy_of_a_normal - bits)


@pytest.mark.parametrize("bits", [1.0, 2.5, 4.0, 6.0, 12.0])
def test_steps_follow_from_the_bits(bits: float) -> None:
    weight = bank()
    steps = spacings_for_bits(weight, bits)
    assert steps.shape == (3, 1, 1)
    for step, matrix in zip(steps.flatten().tolist(), weight, strict=True):
        assert step == pytest.approx(plain_step(matrix, bits), rel=1e-6)


@pytest.mark.parametrize("bits", [4.0, 5.0, 6.0, 8.0])
def test_a_normal_matrix_has_the_entropy_that_names_the_step(bits: float) -> None:
    weight = torch.randn(1000, 1000, generator=torch.Generator().manual_seed(1))
    integers = quantize(weight, spacings_for_bits(weight, bits))
    counts = np.unique(integers.numpy(), return_counts=True)[1] / 1e6
    assert -(counts * np.log2(counts)).sum() == pytest.approx(bits, abs=0.005)


@given(bits=st.floats(1, 12), seed=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_no_weight_moves_by_more_than_half_a_step(bits: float, seed: int) -> None:
    weight = bank(seed=seed)
    steps = spacings_for_bits(weight, bits)
    integers = quantize(weight, steps)
    assert (integers == integers.round()).all()
    error = (dequantize(integers, steps) - weight).abs()
    rounding = 2e-7 * weight.abs()  # of the float32 arithmetic itself
    assert (error <= steps / 2 + rounding).all()


def test_more_bits_are_smaller_steps() -> None:
    weight = bank()
    ratio = spacings_for_bits(weight, 5.0) / spacings_for_bits(weight, 6.0)
    torch.testing.assert_close(ratio, torch.full_like(ratio, 2.0))


def test_the_grid_scales_with_the_weights() -> None:
    """Powers of two, so that nothing is rounded: the same integers, steps 2¹⁰ times as large."""
    weight = bank()
    steps = spacings_for_bits(weight, 4.0)
    larger = spacings_for_bits(1024 * weight, 4.0)
    assert torch.equal(larger, 1024 * steps)
    assert torch.equal(quantize(1024 * weight, larger), quantize(weight, steps))


def test_zeros_have_a_step() -> None:
    weight = bank()
    weight[1] = 0
    steps = spacings_for_bits(weight, 4.0)
    assert steps[1] == 1 and torch.isfinite(steps).all()
    assert (quantize(weight, steps)[1] == 0).all()


def test_a_bank_is_its_matrices() -> None:
    weight = bank(matrices=5)
    steps = spacings_for_bits(weight, 3.5)
    for matrix, step, integers in zip(weight, steps, quantize(weight, steps), strict=True):
        assert torch.equal(spacings_for_bits(matrix, 3.5), step)
        assert torch.equal(quantize(matrix, step), integers)


def test_steps_have_no_gradient() -> None:
    """They are a measurement: fake quantisation passes gradients through to the weights alone."""
    weight = bank().requires_grad_()
    assert not spacings_for_bits(weight, 4.0).requires_grad
