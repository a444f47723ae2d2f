"""Where a run computes, and in what precision."""

import pytest
import torch

from bytegolf.errors import InputError
from bytegolf.runtime import device as module
from bytegolf.runtime.device import choose_device, choose_dtype

CPU = torch.device("cpu")


def test_the_cpu_can_be_named() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("name", "cuda", "local_rank", "found"),
    [
        ("auto", True, 0, "cuda:0"),
        ("auto", True, 3, "cuda:3"),
        ("cuda", True, 2, "cuda:2"),
        ("auto", False, 3, "cpu"),
        ("cpu", True, 3, "cpu"),
    ],
)
def test_auto_prefers_cuda_and_each_process_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str, cuda: bool, local_rank: int, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    entered: list[torch.device] = []
    monkeypatch.setattr(module, "enter_device", entered.append)
    assert choose_device(name, local_rank) == torch.device(found)
    assert entered == [torch.device(found)]


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA B200", 2250e12),
        ("Some Other", None),
    ],
)
def test_the_peak_is_that_of_the_maker(monkeypatch: pytest.MonkeyPatch, name: str, peak: float | None) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert module.peak_flops(torch.device("cuda:0")) == peak
    assert module.peak_flops(CPU) is None


@pytest.mark.parametrize("name", ["abacus", "cuda:77", "", "cpu:x", "cuda:-2"])
def test_a_device_that_is_not_here(name: str) -> None:
    with pytest.raises(InputError, match=r"train\.device: expected auto, cpu or a CUDA device of this machine, found"):
        choose_device(name)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
@pytest.mark.parametrize("native", [True, False])
def test_a_dtype_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, dtype: torch.dtype, native: bool) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: native)
    assert choose_dtype(name, CPU) == dtype


@pytest.mark.parametrize(("native", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_is_bfloat16_where_it_is_native(monkeypatch: pytest.MonkeyPatch, native: bool, dtype: torch.dtype) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: native)
    assert choose_dtype("auto", CPU) == dtype


@pytest.mark.parametrize(
    ("flags", "native"), [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"bf16": True}, True), ({}, False)]
)
def test_what_torch_knows_of_the_cpu_decides(monkeypatch: pytest.MonkeyPatch, flags: dict[str, bool], native: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, **flags}, raising=False)
    assert module.has_bfloat16(CPU) is native


@pytest.mark.parametrize(("seconds", "native"), [(0.5, True), (2.0, False)])
def test_where_an_old_torch_knows_nothing_the_faster_product_decides(monkeypatch: pytest.MonkeyPatch, seconds: float, native: bool) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert module.product_seconds(torch.float32) > 0
    monkeypatch.setattr(module, "product_seconds", {torch.bfloat16: seconds, torch.float32: 1.0}.__getitem__)
    assert module.has_bfloat16(CPU) is native
