"""Where and in what precision to compute."""

import resource
import sys
import timeit

import torch

from bytegolf.errors import InputError

PROBE = 512  # rows and columns

# FLOP/s of matrix products in bfloat16, dense, as the data sheets of the makers say; the first name that begins the device's counts
PEAKS = {
    "NVIDIA B200": 2250e12,
    "NVIDIA H200": 989e12,
    "NVIDIA GH200": 989e12,
    "NVIDIA H100 PCIe": 756e12,
    "NVIDIA H100 NVL": 835e12,
    "NVIDIA H100": 989e12,
    "NVIDIA A100": 312e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA L4": 121e12,
    "NVIDIA GeForce RTX 4090": 165e12,
}


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """`auto` is CUDA where there is one; of several GPUs process `local_rank` of a machine gets its own.

    Raises InputError for a device that this machine does not have.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{local_rank}"
    try:
        device = torch.device(name)
        _enter(device)
    except (RuntimeError, AssertionError):
        raise InputError(f"train.device: expected auto, cpu or a CUDA device of this machine, found {name!r}") from None
    return device


def _enter(device: torch.device) -> None:
    """Make it the current one, which NCCL goes by."""
    torch.empty(0, device=device)
    if device.type == "cuda":
        torch.cuda.set_device(device)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 where the device multiplies it natively, else float32."""
    if name != "auto":
        return torch.float32 if name == "float32" else torch.bfloat16
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are native. A CPU that emulates them is slower than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return _product_seconds(torch.bfloat16) < _product_seconds(torch.float32)


def peak_flops(device: torch.device) -> float | None:
    """FLOP/s that the device can do at most in bfloat16, where its maker's figure is known."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return next((peak for known, peak in PEAKS.items() if name.startswith(known)), None)


def peak_memory(device: torch.device) -> int:
    """Bytes at most so far: of the GPU where there is one, else of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _product_seconds(dtype: torch.dtype) -> float:
    """Of the best of some small products: natively bfloat16 takes half the time of float32, emulated several times as much."""
    matrix = torch.ones(PROBE, PROBE, dtype=dtype)
    return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=5))
