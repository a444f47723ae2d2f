"""Where and in what precision to compute."""

import torch

from bytegolf.config import TrainConfig
from bytegolf.errors import InputError


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
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # since torch 2.10
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
