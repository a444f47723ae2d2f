"""AdamW with gradients that travel as one tensor is torch's AdamW."""

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from bytegolf.runtime.parallel import ALONE
from bytegolf.training.adamw import FlatAdamW

SHAPES = ((3, 4), (5,), (2, 2, 2))


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def set_gradients(members: list[nn.Parameter], seed: int, scale: float = 1.0) -> None:
    generator = torch.Generator().manual_seed(seed)
    for member in members[:-1]:  # the last one has none
        member.grad = scale * torch.randn(member.shape, generator=generator)


def test_clipped_steps_are_those_of_scaled_gradients() -> None:
    """Halving is exact, so that not a bit may differ."""
    flat_members, plain_members = parameters(), parameters()
    flat, plain = FlatAdamW(flat_members, lr=0.1, fused=True), AdamW(plain_members, lr=0.1, fused=True)
    for step in range(4):
        set_gradients(flat_members, step)
        set_gradients(plain_members, step, scale=0.5)
        flat.finish(flat.begin(ALONE), 0.5)
        plain.step()
    assert all(torch.equal(a, b) for a, b in zip(flat_members, plain_members, strict=True))


def test_gradients_are_views_of_what_travels() -> None:
    members = parameters()
    set_gradients(members, seed=1)
    summed: Tensor = FlatAdamW(members, lr=0.1, fused=True).begin(ALONE).wait()
    assert summed.shape == (3 * 4 + 5,)
    summed.fill_(7)
    gradients = [member.grad for member in members]
    assert gradients[-1] is None and all(gradient is not None and bool((gradient == 7).all()) for gradient in gradients[:-1])
