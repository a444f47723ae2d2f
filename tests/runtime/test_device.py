"""Where a run computes, and in what precision."""

import pytest
import torch

from bytegolf.errors import InputError
from bytegolf.runtime import device as module
from bytegolf.runtime.device import choose_device, choose_dtype
from bytegolf.runtime.parallel import ALONE, Group

CPU, MPS = torch.device("cpu"), torch.device("mps")


def test_the_cpu_can_be_named() -> None:
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "group", "found"),
    [
        ("auto", True, False, ALONE, "cuda:0"),
        ("auto", True, True, ALONE, "cuda:0"),
        ("auto", True, False, Group(3, 4, 3), "cuda:3"),
        ("cuda", True, False, Group(10, 16, 2), "cuda:2"),
        ("auto", False, False, Group(3, 4, 3), "cpu"),
        ("cpu", True, True, Group(3, 4, 3), "cpu"),
        ("auto", False, True, ALONE, "mps"),
        ("auto", False, True, Group(0, 2, 0), "cpu"),
        ("mps", False, True, ALONE, "mps"),
        ("cpu", False, True, ALONE, "cpu"),
    ],
)
def test_auto_prefers_cuda_and_each_process_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str, cuda: bool, mps: bool, group: Group, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    entered: list[torch.device] = []
    monkeypatch.setattr(module, "enter_device", entered.append)
    assert choose_device(name, group) == torch.device(found)
    assert entered == [torch.device(found)]


def test_several_processes_cannot_share_apples_gpu() -> None:
    with pytest.raises(InputError, match=r"train\.device: expected cpu or cuda for 2 processes, found 'mps'"):
        choose_device("mps", Group(0, 2, 0))


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA B200", 2250e12),
        ("NVIDIA GH200 480GB", 989e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40", 181e12),
        ("NVIDIA L40S", 362e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA GeForce RTX 4090 D", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA A1000", None),
        ("Some Other", None),
    ],
)
def test_the_peak_is_that_of_the_maker(monkeypatch: pytest.MonkeyPatch, name: str, peak: float | None) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert module.peak_flops(torch.device("cuda:0")) == peak
    assert module.peak_flops(CPU) is None


@pytest.mark.parametrize("name", ["abacus", "cuda:77", "", "cpu:x", "cuda:-2", "mps"])
def test_a_device_that_is_not_here(name: str) -> None:
    with pytest.raises(InputError, match=r"train\.device: expected auto, cpu, mps or a CUDA device of this machine, found"):
        choose_device(name)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
@pytest.mark.parametrize("native", [True, False])
def test_a_dtype_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, dtype: torch.dtype, native: bool) -> None:
    monkeypatch.setattr(module, "has_bfloat16", lambda device: native)
    assert choose_dtype(name, CPU) == dtype


def test_apples_gpu_computes_in_float32_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_dtype("auto", MPS) == torch.float32 and choose_dtype("bfloat16", MPS) == torch.bfloat16


def test_apples_gpu_is_waited_for_and_asked_for_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: calls.append("waited"))
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 12_345)
    module.synchronize(MPS)
    module.synchronize(CPU)
    assert calls == ["waited"] and module.peak_memory(MPS) == 12_345
    assert module.device_name(MPS) == "mps" and module.peak_flops(MPS) is None


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
