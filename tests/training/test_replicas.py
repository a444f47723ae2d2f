"""A checksum that sees every bit and every place."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.runtime.parallel import ALONE, Group
from bytegolf.training import replicas
from bytegolf.training.replicas import checksum, require_equal

TENSOR = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))


def flipped(place: int, bit: int) -> torch.Tensor:
    other = TENSOR.clone()
    other.view(torch.int32).view(-1)[place] ^= 1 << bit if bit < 31 else -(1 << 31)
    return other


@given(place=st.integers(0, 34), bit=st.integers(0, 31))
def test_every_bit_counts(place: int, bit: int) -> None:
    assert checksum(flipped(place, bit)) != checksum(TENSOR)


@given(a=st.integers(0, 34), b=st.integers(0, 34))
def test_every_place_counts(a: int, b: int) -> None:
    other = TENSOR.clone().view(-1)
    other[a], other[b] = TENSOR.view(-1)[b], TENSOR.view(-1)[a]
    assert (checksum(other) == checksum(TENSOR)) == (a == b)


def test_it_is_the_sum_of_bits_times_odd_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pieces in which it is taken, and of what is shown if the tensor is a view."""
    expected = sum(bits * (2 * place + 1) for place, bits in enumerate(TENSOR.view(torch.int32).flatten().tolist()))
    expected = (expected + 2**63) % 2**64 - 2**63
    assert int(checksum(TENSOR)) == expected
    assert int(checksum(TENSOR.T.contiguous().T)) == expected
    monkeypatch.setattr(replicas, "PIECE", 4)
    assert int(checksum(TENSOR)) == expected


class Two(Group):
    """Two processes, of which the other one holds `OTHER`."""

    def gather(self, value: list[int]) -> list[list[int]]:  # type: ignore[override]
        return [value, [int(checksum(tensor)) for tensor in OTHER.values()]]


OTHER = {"a": TENSOR, "b": flipped(3, 0)}


def test_what_differs_is_named_with_its_process() -> None:
    require_equal(Two(0, 2), OTHER, 7)
    with pytest.raises(InputError, match="replicas differ: expected b of rank 0 after step 7, found another on rank 1; resume the run"):
        require_equal(Two(0, 2), {"a": TENSOR, "b": TENSOR}, 7)
    require_equal(ALONE, {"a": TENSOR}, 7)
