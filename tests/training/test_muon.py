"""Muon against the same update written out for one matrix at a time in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bytegolf.training.muon import Muon, orthogonalise
from support.training_reference import PlainMuon, newton_schulz

SHAPES = {
    "square": (3, 12, 12),
    "tall": (2, 24, 8),
    "wide": (2, 8, 24),
    "one matrix": (1, 16, 5),
    "one row": (2, 1, 6),
    "a vector": (2, 6, 1),
}


def gaussian(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def run(optimizer: Muon, parameter: nn.Parameter, gradients: list[Tensor], momenta: list[float]) -> None:
    for gradient, momentum in zip(gradients, momenta, strict=True):
        optimizer.param_groups[0]["momentum"] = momentum
        parameter.grad = gradient.clone()
        optimizer.step()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_steps_against_a_plain_muon_per_matrix(shape: tuple[int, int, int], dtype: torch.dtype, tolerance: float) -> None:
    parameter = nn.Parameter(gaussian(*shape, seed=0))
    gradients = [gaussian(*shape, seed=i) for i in range(1, 6)]
    momenta = [0.5, 0.6, 0.7, 0.8, 0.9]
    plain = [PlainMuon(matrix) for matrix in parameter.detach().clone()]
    run(Muon([parameter], lr=0.05, weight_decay=0.3, newton_schulz_steps=5, dtype=dtype), parameter, gradients, momenta)
    for gradient, momentum in zip(gradients, momenta, strict=True):
        expected = torch.stack([muon.step(part, 0.05, momentum, 0.3, 5) for muon, part in zip(plain, gradient, strict=True)])
    torch.testing.assert_close(parameter.detach().double(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_state_is_float32(dtype: torch.dtype) -> None:
    """A momentum of 0.99 in bfloat16 would lose small gradients."""
    parameter = nn.Parameter(gaussian(2, 4, 4, seed=0))
    optimizer = Muon([parameter], lr=0.1, weight_decay=0.0, newton_schulz_steps=5, dtype=dtype)
    run(optimizer, parameter, [gaussian(2, 4, 4, seed=1)] * 2, [0.99] * 2)
    state = optimizer.state[parameter]
    assert {value.dtype for value in state.values()} == {torch.float32}
    torch.testing.assert_close(state["momentum"], 1.99 * gaussian(2, 4, 4, seed=1))
    assert parameter.dtype == torch.float32


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 40), columns=st.integers(1, 40), scale=st.floats(-6, 6), seed=st.integers(0, 2**32))
def test_singular_values_come_near_one_and_directions_stay(rows: int, columns: int, scale: float, seed: int) -> None:
    matrix = gaussian(rows, columns, seed=seed) * 10**scale
    left, singular, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    rotated = left.T @ orthogonalise(matrix, 5, torch.float32).double() @ right.T
    values = rotated.diagonal()
    assert values.max() < 1.3
    # five steps multiply the smallest by at most 485: what began above a hundredth of the norm has arrived
    assert (values[singular > 0.01 * singular.square().sum().sqrt()] > 0.6).all()
    torch.testing.assert_close(rotated - values.diag(), torch.zeros_like(rotated), rtol=0, atol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 5, 7])
@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9)])
def test_each_matrix_of_a_stack_is_orthogonalised_alone(shape: tuple[int, int], steps: int) -> None:
    stack = gaussian(3, *shape, seed=4) * torch.tensor([1e-4, 1.0, 1e4])[:, None, None]
    expected = torch.stack([newton_schulz(matrix, steps) for matrix in stack])
    torch.testing.assert_close(orthogonalise(stack, steps, torch.float32).double(), expected, rtol=0, atol=1e-4)


def test_the_iteration_runs_in_the_dtype_asked_for() -> None:
    stack = gaussian(2, 8, 8, seed=5)
    assert orthogonalise(stack, 5, torch.bfloat16).dtype == torch.bfloat16
    assert orthogonalise(stack, 5, torch.float32).dtype == torch.float32


def test_a_zero_gradient_only_decays() -> None:
    parameter = nn.Parameter(torch.ones(2, 3, 3))
    run(Muon([parameter], lr=0.1, weight_decay=0.5, newton_schulz_steps=5, dtype=torch.float32), parameter, [torch.zeros(2, 3, 3)], [0.9])
    torch.testing.assert_close(parameter.detach(), torch.full((2, 3, 3), 0.95))


def test_a_parameter_without_gradient_stays() -> None:
    moved, still = nn.Parameter(torch.ones(1, 2, 2)), nn.Parameter(torch.ones(1, 2, 2))
    optimizer = Muon([moved, still], lr=0.1, weight_decay=0.5, newton_schulz_steps=5, dtype=torch.float32)
    moved.grad = torch.eye(2)[None]
    optimizer.step()
    assert torch.equal(still.detach(), torch.ones(1, 2, 2)) and not torch.equal(moved.detach(), torch.ones(1, 2, 2))
