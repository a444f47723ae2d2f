"""What optimisers of banks have in common, seen in one that moves by signs. Several processes: test_together.py."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bytegolf.training.bank_optimizer import BankOptimizer


class Signs(BankOptimizer):
    """Moves by the sign of the sum of all gradients so far."""

    def update(self, gradient: Tensor, state: dict[str, Tensor], settings: Mapping[str, Any]) -> Tensor:
        state["sum"] = state.get("sum", torch.zeros_like(gradient)) + gradient
        return state["sum"].sign()


def stepped(optimizer: Signs, bank: nn.Parameter, gradients: list[float]) -> float:
    for gradient in gradients:
        bank.grad = torch.full_like(bank, gradient)
        optimizer.step()
    return float(bank[0, 0, 0])


def test_a_bank_is_decayed_and_moved_against_its_update() -> None:
    bank = nn.Parameter(torch.ones(2, 3, 4))
    optimizer = Signs([bank], {"lr": 0.1, "weight_decay": 0.5})
    assert abs(stepped(optimizer, bank, [2.0]) - (0.95 - 0.1)) < 1e-6
    assert abs(stepped(optimizer, bank, [-1.0]) - (0.85 * 0.95 - 0.1)) < 1e-6, "the sum is still positive"
    assert optimizer.state[bank]["sum"].tolist() == torch.ones(2, 3, 4).tolist()


def test_what_is_remembered_goes_through_a_checkpoint() -> None:
    def new() -> tuple[nn.Parameter, Signs]:
        bank = nn.Parameter(torch.ones(2, 3, 4))
        return bank, Signs([bank], {"lr": 0.1})

    bank, optimizer = new()
    stepped(optimizer, bank, [3.0])
    other, restored = new()
    with torch.no_grad():
        other.copy_(bank)
    restored.load_state_dict(optimizer.state_dict())
    assert stepped(restored, other, [-1.0, -1.0]) == stepped(optimizer, bank, [-1.0, -1.0])
    assert torch.equal(restored.state[other]["sum"], optimizer.state[bank]["sum"])


def test_gradients_are_clipped_together_and_the_largest_bank_goes_first() -> None:
    banks = [nn.Parameter(torch.ones(1, 2, rows)) for rows in (2, 5, 3)]
    optimizer = Signs(banks, {"lr": 0.1})
    for bank in banks:
        bank.grad = torch.ones_like(bank)
    summed = optimizer.begin()
    assert [each.parameter.shape[-1] for each in summed] == [5, 3, 2]
    optimizer.finish(summed, clip=0.25)
    assert all(torch.equal(optimizer.state[bank]["sum"], torch.full_like(bank, 0.25)) for bank in banks)
