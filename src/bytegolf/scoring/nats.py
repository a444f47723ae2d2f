"""What goes into a protocol and what comes out of it."""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Tokens(Protocol):
    """A stream of tokens that gives slices."""

    def __len__(self) -> int: ...
    def __getitem__(self, span: slice, /) -> NDArray[np.uint16]: ...


class Costs(NamedTuple):
    """Nats of the targets `first`, `first` + 1, …, in any shape."""

    first: int
    nats: Tensor


def rows(tokens: Tokens, spans: list[slice], device: torch.device) -> Tensor:
    """Spans of equal length as a model takes them, (spans, length)."""
    return torch.from_numpy(np.stack([tokens[span] for span in spans]).astype(np.int64)).to(device)
