"""Processes that work as one: who this one is, and what passes between them. One process needs no special case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Group:
    """The processes of a run, of which this is number `rank` of `size`."""

    rank: int = 0
    size: int = 1

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """This process's contiguous part of what all have: parts differ in length by one at most."""
        count = len(items)
        return items[count * self.rank // self.size : count * (self.rank + 1) // self.size]

    def sum_(self, tensor: Tensor) -> Tensor:
        """Replace `tensor` by its sum over all processes, which all have to call this."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, value: T) -> list[T]:
        """Every process's `value`, in the order of ranks, on every process."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values


ALONE = Group()
