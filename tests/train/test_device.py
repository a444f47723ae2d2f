"""Where a run computes, and in what precision."""

import pytest
import torch

from bytegolf.errors import InputError
from bytegolf.train import device as module
from bytegolf.train.device import choose_device, choose_dtype

from .cases import micro

CPU = torch.device("cpu")


def test_the_cpu_can_be_named() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(("cuda", "found"), [(True, "cuda"), (False, "cpu")])
def test_auto_prefers_cuda(monkeypatch: pytest.MonkeyPatch, cuda: bool, found: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert choose_device("auto") == torch.device(found)


@pytest.mark.parametrize("name", ["abacus", "cuda:77", "", "cpu:x", "cuda:-2"])
def test_a_device_that_is_not_here(name: str) -> None:
    with pytest.raises(InputError, match=r"train\.device: expected auto, cpu or a CUDA device of this machine, found"):
        choose_device(name)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
@pytest.mark.parametrize("native", [True, False])
def test_a_dtype_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, dtype: torch.dtype, native: bool) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: native)
    assert choose_dtype(micro(f"train.dtype={name}").train, CPU) == dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_is_bfloat16_where_it_is_native(monkeypatch: pytest.MonkeyPatch, native: bool, dtype: torch.dtype) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: native)
    assert choose_dtype(micro("train.dtype=auto").train, CPU) == dtype


def test_an_old_torch_knows_nothing_of_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert module.has_bfloat16(CPU) is False
