"""In which order a step sets transfers off, computes and waits: what makes Parallel Muon parallel."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from bytegolf.model.gpt import GPT
from bytegolf.parallel import Group, Transfer
from bytegolf.train import muon
from bytegolf.train.optim import Optimizers

from .cases import micro


@dataclass(frozen=True)
class Recording(Group):
    """A group of one process that notes what would travel, and when it is waited for."""

    events: list[str] = field(default_factory=list)

    def noted(self, name: str, transfer: Transfer) -> Transfer:
        name = f"{name}, transfer {len(self.events)}"
        self.events.append(f"begin {name}")
        return Noted(self.events, name, transfer)

    def begin_sum(self, tensor: Tensor) -> Transfer:
        return self.noted("norm" if tensor.dim() == 0 else "small", super().begin_sum(tensor))

    def begin_sum_part(self, tensor: Tensor) -> Transfer:
        return self.noted(f"gradient {tensor.numel()}", super().begin_sum_part(tensor))

    def begin_join(self, part: Tensor, rows: int) -> Transfer:
        return self.noted(f"update {part.numel()}", super().begin_join(part, rows))


class Noted(Transfer):
    def __init__(self, events: list[str], name: str, transfer: Transfer) -> None:
        self.events, self.name, self.transfer = events, name, transfer

    def wait(self) -> Tensor:
        event = f"wait {self.name}"
        if event not in self.events:  # a second wait is none
            self.events.append(event)
        return self.transfer.wait()


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What one step does."""
    group = Recording()
    orthogonalise = muon.orthogonalise

    def noted(gradient: Tensor, steps: int, dtype: torch.dtype) -> Tensor:
        group.events.append(f"orthogonalise {gradient.numel()}")
        return orthogonalise(gradient, steps, dtype)

    monkeypatch.setattr(muon, "orthogonalise", noted)
    recipe = micro("model.mlp_mult=3")
    model = GPT(recipe.model)
    model.initialise(1)
    model(torch.randint(260, (2, 16)), torch.randint(260, (2, 16))).backward()
    Optimizers(model, recipe.optim, torch.float32, group).step(0, 1.0)
    return group.events


def positions(events: list[str], begins: str) -> list[int]:
    return [index for index, event in enumerate(events) if event.startswith(begins)]


def test_every_gradient_is_under_way_before_the_first_wait(events: list[str]) -> None:
    first = positions(events, "wait")[0]
    assert max(positions(events, "begin gradient") + positions(events, "begin small")) < first
    assert len(positions(events, "begin gradient")) == 4 and len(positions(events, "begin small")) == 1


def test_the_largest_bank_goes_first(events: list[str]) -> None:
    sizes = [int(event.split()[2].rstrip(",")) for event in events if event.startswith("begin gradient")]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[-1]


def test_a_bank_travels_back_while_the_next_one_is_orthogonalised(events: list[str]) -> None:
    computed, begun, waited = (positions(events, name) for name in ("orthogonalise", "begin update", "wait update"))
    assert len(computed) == len(begun) == 4
    for bank in range(3):
        assert computed[bank] < begun[bank] < computed[bank + 1] < begun[bank + 1] < waited[bank]


def test_the_norm_is_of_what_was_reduced(events: list[str]) -> None:
    norm = positions(events, "begin norm")[0]
    assert max(positions(events, "wait gradient") + positions(events, "wait small")) < norm < positions(events, "orthogonalise")[0]


def synchronous(patch: pytest.MonkeyPatch) -> None:
    """Every transfer is waited for where it begins."""
    begin = Recording.noted

    def at_once(self: Recording, name: str, transfer: Transfer) -> Transfer:
        started = begin(self, name, transfer)
        started.wait()
        return started

    patch.setattr(Recording, "noted", at_once)


def test_these_tests_notice_synchronous_transfers(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    synchronous(monkeypatch)
    found = request.getfixturevalue("events")
    for test in (test_every_gradient_is_under_way_before_the_first_wait, test_a_bank_travels_back_while_the_next_one_is_orthogonalised):
        with pytest.raises(AssertionError):
            test(found)
