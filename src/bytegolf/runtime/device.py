"""Choose the device and the precision for computing."""

import re
import resource
import sys
import timeit

import torch

from bytegolf.errors import InputError
from bytegolf.runtime.parallel import ALONE, Group

PROBE = 512  # rows and columns of the timed matrices

# Dense bfloat16 FLOP/s from the makers' data sheets; the first entry whose words begin the device's name applies.
PEAKS = {
    "NVIDIA B200": 2250e12,
    "NVIDIA H200": 989e12,
    "NVIDIA GH200": 989e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100": 989e12,
    "NVIDIA A100": 312e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA L40": 181e12,
    "NVIDIA L4": 121e12,
    "NVIDIA GeForce RTX 4090": 165e12,
}


def choose_device(name: str, group: Group = ALONE) -> torch.device:
    """Return the device called `name`; `auto` is CUDA where available, else MPS, Apple's GPU, else the CPU.

    On a machine with several GPUs of CUDA, each process of the group gets its own. MPS is for one process: nothing carries its
    tensors to another. Raises InputError for a device that this machine lacks.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps() and group.size == 1 else "cpu"
    if name == "cuda":
        name = f"cuda:{group.local_rank}"
    if name.startswith("mps") and group.size > 1:
        raise InputError(f"train.device: expected cpu or cuda for {group.size} processes, found {name!r}, which one process can use")
    try:
        device = torch.device(name)
        enter_device(device)
    except (RuntimeError, AssertionError):
        raise InputError(f"train.device: expected auto, cpu, mps or a CUDA device of this machine, found {name!r}") from None
    return device


def has_mps() -> bool:
    """Return whether this torch can use Apple's GPU here."""
    return torch.backends.mps.is_available()


def enter_device(device: torch.device) -> None:
    """Make `device` the current one, which NCCL uses."""
    torch.empty(0, device=device)
    if device.type == "cuda":
        torch.cuda.set_device(device)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the compute precision called `name`; `auto` is bfloat16 where the device multiplies it natively, else float32."""
    if name != "auto":
        return torch.float32 if name == "float32" else torch.bfloat16
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Return whether matrix products in bfloat16 are native. A CPU that emulates them is slower than in float32.

    Of Apple's GPUs the first generation emulates them, and torch does not tell which one it is: they count as having none.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "mps":
        return False
    if hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return product_seconds(torch.bfloat16) < product_seconds(torch.float32)


def peak_flops(device: torch.device) -> float | None:
    """Return the device's peak FLOP/s in bfloat16 from its data sheet, or None if it is not listed."""
    name = device_name(device)
    return next((peak for known, peak in PEAKS.items() if re.match(rf"{known}\b(?! Laptop| D\b)", name)), None)


def device_name(device: torch.device) -> str:
    """Return what a device is called: a GPU's product name, or its type."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def synchronize(device: torch.device) -> None:
    """Wait until a device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory(device: torch.device) -> int:
    """Return the peak memory use so far in bytes: of tensors on a CUDA device, of what the driver holds on MPS, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()  # it keeps what it once got
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def product_seconds(dtype: torch.dtype) -> float:
    """Return the seconds of the fastest of five small matrix products.

    Native bfloat16 takes half the time of float32; emulated bfloat16 takes several times as long.
    """
    matrix = torch.ones(PROBE, PROBE, dtype=dtype)
    return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=5))
