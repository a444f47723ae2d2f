"""What a file was coded with is written down, and asked for again."""

from dataclasses import replace

import pytest
import torch

from bytegolf.coding.machine import Conditions
from bytegolf.errors import InputError

HERE = Conditions.here(torch.device("cpu"))


def test_conditions_come_back() -> None:
    here = Conditions.here(torch.device("cpu"))
    assert Conditions.parse(here.to_bytes()) == here
    assert (here.torch, here.device, here.threads) == (torch.__version__, "cpu", str(torch.get_num_threads()))


@pytest.mark.parametrize("written", [b"", b"2.9|0.5|cpu|AVX2", HERE.to_bytes() + b"|", b"\xff|\xff|\xff|\xff|\xff"])
def test_other_bytes_are_no_conditions(written: bytes) -> None:
    with pytest.raises(ValueError):
        Conditions.parse(written)


def test_the_same_conditions_are_met() -> None:
    HERE.require(replace(HERE), "file")


@pytest.mark.parametrize("name", ["torch", "constriction", "device", "instructions", "threads"])
def test_a_difference_is_named(name: str) -> None:
    there = replace(HERE, **{name: "77"})
    with pytest.raises(InputError, match=f"^file: expected to be decoded as it was coded, with {name} 77, found {name} ") as caught:
        there.require(HERE, "file")
    assert ("set OMP_NUM_THREADS=77" in str(caught.value)) == (name == "threads")
