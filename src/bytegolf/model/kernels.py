"""The kernels that compute attention, and what else depends on the device. The choices are made here and nowhere else.

B batch, K key-value heads, G query heads that share one of them, T keys, n queries: the last n positions. A kernel gives
softmax(q kᵀ) v, (B, K, n, G, h), over the keys up to each query's own, or over those that `visible` (B, 1, n, T) names.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from bytegolf.model.causal import causal_attention

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
KernelName = Literal["tiles", "flash", "torch"]

HALF = (torch.bfloat16, torch.float16)
HOPPER = 9  # major compute capability of the GPUs that FlashAttention-3 is written for
FASTEST_FIRST = [SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class Setting(NamedTuple):
    """The device, precision and mask for which a kernel is chosen."""

    device: str  # its type
    dtype: torch.dtype
    masked: bool
    capability: int  # major number of the GPU's; 0 where there is none
    flash: bool  # a wheel of FlashAttention-3 is at hand


def choose(setting: Setting) -> KernelName:
    """Return the fastest kernel for a setting. Torch's own contain FlashAttention-2, so that a wheel of it would gain nothing."""
    if setting.device == "cpu" and not setting.masked:
        return "tiles"
    if setting.flash and setting.capability == HOPPER and setting.dtype in HALF and not setting.masked:
        return "flash"
    return "torch"


@cache
def kernel_for(device: torch.device, dtype: torch.dtype, masked: bool) -> Kernel:
    """Return the kernel to use on this machine."""
    capability = torch.cuda.get_device_capability(device)[0] if device.type == "cuda" else 0
    wheel = flash_attention_3() if capability == HOPPER else None
    chosen = choose(Setting(device.type, dtype, masked, capability, flash=wheel is not None))
    if chosen == "flash" and wheel is not None:
        return partial(by_wheel, wheel)
    return tiled if chosen == "tiles" else by_torch


def flash_attention_3() -> Callable[..., Any] | None:
    """Return `flash_attn_func` of FlashAttention-3 (arXiv 2407.08608), if its wheel is installed and fits this torch."""
    try:
        from flash_attn_interface import flash_attn_func
    except (ImportError, OSError):
        return None
    function: Callable[..., Any] = flash_attn_func
    return function


def tiled(q_BKnGh: Tensor, k_BKTh: Tensor, v_BKTh: Tensor, visible: Tensor | None) -> Tensor:
    """Compute attention by bytegolf's own operator, which takes no mask."""
    assert visible is None
    y = causal_attention(q_BKnGh.flatten(2, 3).flatten(0, 1), k_BKTh.flatten(0, 1), v_BKTh.flatten(0, 1), q_BKnGh.shape[3])
    return y.view(q_BKnGh.shape)


def by_torch(q_BKnGh: Tensor, k_BKTh: Tensor, v_BKTh: Tensor, visible: Tensor | None) -> Tensor:
    """Compute attention by torch's scaled_dot_product_attention."""
    q, device = q_BKnGh.transpose(2, 3).flatten(1, 2), q_BKnGh.device
    queries, keys = q.shape[2], k_BKTh.shape[2]
    if visible is None and queries < keys:  # torch would line its causal mask up at the first key, not at the last
        visible = torch.ones(queries, keys, dtype=torch.bool, device=device).tril_(keys - queries)
    shared = reads_shared_heads(device.type, q.dtype, visible is not None)
    if not shared:
        k_BKTh, v_BKTh = (x.repeat_interleave(q_BKnGh.shape[3], dim=1) for x in (k_BKTh, v_BKTh))
    with sdpa_kernel(FASTEST_FIRST, set_priority=True):
        y = F.scaled_dot_product_attention(q, k_BKTh, v_BKTh, visible, is_causal=visible is None, scale=1.0, enable_gqa=shared)
    return y.unflatten(1, (q_BKnGh.shape[1], -1)).transpose(2, 3)


def reads_shared_heads(device: str, dtype: torch.dtype, masked: bool) -> bool:
    """Return whether torch's best kernel lets query heads share keys and values.

    On CUDA that for float32 and for masks does not; asked to, torch would take one that writes all scores out. On MPS torch
    repeats them itself, and did so wrongly in some versions.
    """
    return device == "cpu" or (device == "cuda" and dtype in HALF and not masked)


def precision_of_sums(device: torch.device) -> torch.dtype:
    """Return the precision in which long sums are kept: float64, which MPS lacks."""
    return torch.float32 if device.type == "mps" else torch.float64


def is_compiled_for(device: torch.device) -> bool:
    """Return whether torch.compile is relied on. For MPS it is a prototype."""
    return device.type != "mps"


def by_wheel(flash: Callable[..., Any], q_BKnGh: Tensor, k_BKTh: Tensor, v_BKTh: Tensor, visible: Tensor | None) -> Tensor:
    """Compute attention by FlashAttention's own function, which aligns its causal mask to the last key and takes no other."""
    assert visible is None
    q = q_BKnGh.transpose(1, 2).flatten(2, 3)
    y = flash(q, k_BKTh.transpose(1, 2), v_BKTh.transpose(1, 2), softmax_scale=1.0, causal=True)
    if isinstance(y, tuple):  # older wheels hand out the logarithms of the sums too
        y = y[0]
    return y.unflatten(2, (q_BKnGh.shape[1], -1)).transpose(1, 2)
