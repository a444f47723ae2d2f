"""Where and in what precision to compute."""

import timeit

import torch

from bytegolf.config import TrainConfig
from bytegolf.errors import InputError

PROBE = 512  # rows and columns


def choose_device(name: str) -> torch.device:
    """`auto` is CUDA where there is one. Raises InputError for a device that this machine does not have."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise InputError(f"train.device: expected auto, cpu or a CUDA device of this machine, found {name!r}") from None
    return device


def choose_dtype(config: TrainConfig, device: torch.device) -> torch.dtype:
    """`auto` is bfloat16 where the device multiplies it natively, else float32."""
    if config.dtype != "auto":
        return torch.float32 if config.dtype == "float32" else torch.bfloat16
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are native. A CPU that emulates them is slower than in float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if hasattr(torch.cpu, "get_capabilities"):  # since torch 2.10
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return _product_seconds(torch.bfloat16) < _product_seconds(torch.float32)


def _product_seconds(dtype: torch.dtype) -> float:
    """Of the best of some small products: natively bfloat16 takes half the time of float32, emulated several times as much."""
    matrix = torch.ones(PROBE, PROBE, dtype=dtype)
    return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=5))
