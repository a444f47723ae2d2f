"""Checking that all processes hold the same weights, bit for bit, as they must after every step."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.runtime.parallel import Group

PIECE = 1 << 24  # elements taken at a time, so that this needs little memory


def require_equal(group: Group, tensors: Mapping[str, Tensor], step: int) -> None:
    """Raise InputError, on every process, if one of `tensors` (float32) differs from rank 0's; it names the first, and the rank."""
    if group.size == 1:
        return
    sums = group.gather(torch.stack([checksum(tensor) for tensor in tensors.values()]).tolist())
    for rank, found in enumerate(sums):
        for name, one, other in zip(tensors, sums[0], found, strict=True):
            if one != other:
                raise InputError(
                    f"replicas differ: expected {name} of rank 0 after step {step}, found another on rank {rank}; resume the run"
                )


def checksum(tensor: Tensor) -> Tensor:
    """Return an int64 that depends on every bit of a float32 tensor and on its place.

    It is the sum, modulo 2⁶⁴, of each element's 32 bits times an odd number of its own.
    """
    total = torch.zeros((), dtype=torch.int64, device=tensor.device)
    begin = 1
    for piece in tensor.detach().contiguous().view(torch.int32).flatten().split(PIECE):
        total += (piece.long() * torch.arange(begin, begin + 2 * len(piece), 2, device=tensor.device)).sum()
        begin += 2 * len(piece)
    return total
