"""GPTQ against the recursion it stands for, written plainly; and what it is for: less error than rounding each weight alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.artifact.grid import spacings_for_bits
from bytegolf.config import PackConfig
from bytegolf.packing.gptq import COLUMN_BLOCK, ErrorFeedback, feedback, round_with_feedback
from bytegolf.packing.rounding import nearest
from support.packing_cases import output_error


def moment(columns: int, seed: int, rank: int = 0) -> Tensor:
    """Of correlated inputs, float64."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(rank or columns, columns, dtype=torch.float64, generator=generator)
    inputs = torch.randn(3 * columns, rank or columns, dtype=torch.float64, generator=generator) @ mixing
    return inputs.T @ inputs / len(inputs)


def recursion(matrix: Tensor, spacings: Tensor, moment: Tensor, damping: float, order: list[int]) -> Tensor:
    """Column by column, with the inverse of what is left of H worked out anew each time: no factor, no blocks."""
    damped = moment + damping * moment.diagonal().mean() * torch.eye(len(moment), dtype=moment.dtype)
    weights, integers = matrix.clone(), torch.zeros_like(matrix)
    for position, column in enumerate(order):
        left = order[position:]
        inverse = torch.linalg.inv(damped[left][:, left])
        integers[:, column] = (weights[:, column] / spacings).round()
        error = weights[:, column] - integers[:, column] * spacings
        weights[:, left] -= torch.outer(error / inverse[0, 0], inverse[0])
    return integers


@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("act_order", [False, True])
@pytest.mark.parametrize("columns", [1, 2, COLUMN_BLOCK - 1, COLUMN_BLOCK, COLUMN_BLOCK + 1, 2 * COLUMN_BLOCK + 5])
def test_the_recursion(columns: int, act_order: bool, by_row: bool) -> None:
    """In float64, where no rounding hides a mistake; a tie that float32's shares break the other way is none."""
    generator = torch.Generator().manual_seed(columns)
    stack = torch.randn(2, 6, columns, dtype=torch.float64, generator=generator)
    spacings = 0.2 + torch.rand(2, 6 if by_row else 1, 1, dtype=torch.float64, generator=generator)
    moments = [moment(columns, seed) for seed in (1, 2)]
    found = round_with_feedback(stack, spacings, feedback(moments, 0.01, act_order))
    for place, own in enumerate(moments):
        order = own.diagonal().argsort(descending=True).tolist() if act_order else list(range(columns))
        expected = recursion(stack[place], spacings[place, :, 0].expand(6), own, 0.01, order)
        assert (found[place] != expected).sum() <= found[place].numel() // 500, "but for ties"


@given(seed=st.integers(0, 10_000), columns=st.integers(1, 90), rank=st.integers(1, 90), bits=st.floats(1.5, 6), act_order=st.booleans())
@settings(max_examples=60, deadline=None)
def test_inputs_that_do_not_span_the_space(seed: int, columns: int, rank: int, bits: float, act_order: bool) -> None:
    """Never far from the nearest points in weights, and no worse in output than they are by much, whatever the inputs."""
    own = moment(columns, seed, min(rank, columns))
    stack = torch.randn(1, 8, columns, generator=torch.Generator().manual_seed(seed))
    spacings = spacings_for_bits(stack, bits)
    found = round_with_feedback(stack, spacings, feedback([own], 0.01, act_order))
    assert found.isfinite().all() and (found == found.round()).all()
    errors = [output_error((stack - integers * spacings)[0], own) for integers in (found, nearest("", stack, spacings))]
    assert errors[0] <= 1.25 * errors[1] + 1e-9


def test_no_inputs_at_all() -> None:
    """A table that no text of the calibration reached is rounded to the nearest points."""
    stack = torch.randn(1, 4, 7, generator=torch.Generator().manual_seed(0))
    spacings = torch.tensor([[[0.3]]])
    found = round_with_feedback(stack, spacings, feedback([torch.zeros(7, 7)], 0.01, True))
    assert torch.equal(found, nearest("", stack, spacings))


def test_inputs_that_have_nothing_in_common() -> None:
    """With a diagonal H no column can mend another's error."""
    stack = torch.randn(1, 4, 7, generator=torch.Generator().manual_seed(0))
    spacings = torch.tensor([[[0.3]]])
    diagonal = torch.diag(torch.arange(1.0, 8.0))
    assert torch.equal(round_with_feedback(stack, spacings, feedback([diagonal], 0.01, True)), nearest("", stack, spacings))


def test_the_given_weights_stay_as_they_are() -> None:
    stack = torch.randn(1, 4, 70, generator=torch.Generator().manual_seed(0))
    before = stack.clone()
    round_with_feedback(stack, torch.tensor([[[0.3]]]), feedback([moment(70, 0)], 0.01, True))
    assert torch.equal(stack, before)


def test_parameters_without_moments_are_rounded_to_the_nearest() -> None:
    rounding = ErrorFeedback({"banks.up": [moment(7, 0)]}, PackConfig())
    stack, spacings = torch.randn(1, 5, 7, generator=torch.Generator().manual_seed(1)), torch.tensor([[[0.9]]])
    assert torch.equal(rounding("tokens", stack, spacings), nearest("tokens", stack, spacings))
    assert not torch.equal(rounding("banks.up", stack, spacings), nearest("banks.up", stack, spacings))


def test_damping_and_order_are_the_recipes() -> None:
    stack, spacings = torch.randn(1, 50, 30, generator=torch.Generator().manual_seed(1)), torch.tensor([[[0.9]]])
    moments = {"banks.up": [moment(30, 0, rank=20)]}
    found = [
        ErrorFeedback(moments, PackConfig(damping=damping, act_order=order))("banks.up", stack, spacings).numpy()
        for damping in (0.01, 10.0)
        for order in (False, True)
    ]
    assert all((a != b).any() for i, a in enumerate(found) for b in found[:i])
    assert np.abs(found[2] - nearest("", stack, spacings).numpy()).sum() < np.abs(found[0] - nearest("", stack, spacings).numpy()).sum()
