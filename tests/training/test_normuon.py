"""NorMuon against the same update written out for one matrix at a time in float64."""

import math

import pytest
import torch
from torch import Tensor, nn

from bytegolf.config import OptimConfig
from bytegolf.runtime.parallel import ALONE
from bytegolf.training.muon import Muon
from bytegolf.training.normuon import NorMuon, bank_optimizer
from support.training_reference import newton_schulz

RECIPE = OptimConfig(matrix_lr=0.05, matrix_weight_decay=0.3, normuon_beta2=0.8)


class PlainNorMuon:
    """One matrix."""

    def __init__(self, weight: Tensor) -> None:
        self.weight, self.velocity = weight.double(), torch.zeros_like(weight, dtype=torch.float64)
        self.squares = [0.0] * len(weight)

    def step(self, gradient: Tensor, momentum: float) -> Tensor:
        self.velocity = momentum * self.velocity + gradient.double()
        update = newton_schulz(gradient.double() + momentum * self.velocity, 5)
        rows = []
        for i, row in enumerate(update):
            self.squares[i] = 0.8 * self.squares[i] + 0.2 * float((row**2).mean())
            rows.append(row / (math.sqrt(self.squares[i]) + 1e-8))
        even = torch.stack(rows)
        even = even * math.sqrt(float((update**2).sum()) / float((even**2).sum()))
        height, width = self.weight.shape
        self.weight = self.weight * (1 - 0.05 * 0.3) - 0.05 * math.sqrt(max(1, height / width)) * even
        return self.weight


def stepped(optimizer: Muon, bank: nn.Parameter, gradients: list[Tensor]) -> Tensor:
    for step, gradient in enumerate(gradients):
        optimizer.param_groups[0]["momentum"] = 0.5 + step / 10
        bank.grad = gradient.clone()
        optimizer.step()
    return bank.detach().clone()


def new(*shape: int, dtype: torch.dtype = torch.float32) -> tuple[nn.Parameter, NorMuon, list[Tensor]]:
    generator = torch.Generator().manual_seed(1)
    bank = nn.Parameter(torch.randn(shape, generator=generator))
    gradients = [torch.randn(shape, generator=generator) for _ in range(4)]
    return bank, NorMuon.of([bank], RECIPE, dtype, ALONE), gradients


@pytest.mark.parametrize("shape", [(3, 12, 12), (2, 24, 8), (2, 8, 24), (1, 1, 6), (2, 6, 1)])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_steps_against_a_plain_one_per_matrix(shape: tuple[int, int, int], dtype: torch.dtype, tolerance: float) -> None:
    bank, optimizer, gradients = new(*shape, dtype=dtype)
    plain = [PlainNorMuon(matrix) for matrix in bank.detach().clone()]
    found = stepped(optimizer, bank, gradients)
    for step, gradient in enumerate(gradients):
        expected = torch.stack([matrix.step(own, 0.5 + step / 10) for matrix, own in zip(plain, gradient, strict=True)])
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=tolerance)


def test_matrices_that_only_fill_a_process_up_stay_zero() -> None:
    bank, optimizer, _ = new(2, 4, 3)
    with torch.no_grad():
        bank.zero_()
    assert torch.equal(stepped(optimizer, bank, [torch.zeros(2, 4, 3)] * 2), torch.zeros(2, 4, 3))


def test_what_is_remembered_goes_through_a_checkpoint() -> None:
    bank, optimizer, gradients = new(3, 8, 5)
    stepped(optimizer, bank, gradients[:2])
    other = nn.Parameter(bank.detach().clone())
    restored = NorMuon.of([other], RECIPE, torch.float32, ALONE)
    restored.load_state_dict(optimizer.state_dict())
    assert torch.equal(stepped(restored, other, gradients[2:]), stepped(optimizer, bank, gradients[2:]))


def test_a_recipe_chooses() -> None:
    bank = nn.Parameter(torch.ones(1, 2, 2))
    assert type(bank_optimizer([bank], RECIPE, torch.float32, ALONE)) is NorMuon
    assert type(bank_optimizer([bank], OptimConfig(), torch.float32, ALONE)) is Muon
