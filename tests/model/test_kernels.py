"""All ways to attend are one: whichever kernel is taken, against attention written out; and which one is taken where."""

import math
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.model import kernels
from bytegolf.model.kernels import (
    Kernel,
    Setting,
    by_torch,
    by_wheel,
    choose,
    flash_attention_3,
    is_compiled_for,
    kernel_for,
    precision_of_sums,
    reads_shared_heads,
    tiled,
)


def plain(q_BKnGh: Tensor, k_BKTh: Tensor, v_BKTh: Tensor, visible: Tensor | None) -> Tensor:
    """Query by query, head by head."""
    y = torch.zeros_like(q_BKnGh)
    batch, kv_heads, queries, group, _ = q_BKnGh.shape
    keys = k_BKTh.shape[2]
    for b, k, n, g in ((b, k, n, g) for b in range(batch) for k in range(kv_heads) for n in range(queries) for g in range(group)):
        position = keys - queries + n
        seen = [t for t in range(keys) if (t <= position if visible is None else bool(visible[b, 0, n, t]))]
        scores = [(q_BKnGh[b, k, n, g] @ k_BKTh[b, k, t]).exp() for t in seen]
        y[b, k, n, g] = sum(score * v_BKTh[b, k, t] for score, t in zip(scores, seen, strict=True)) / sum(scores)
    return y


def wheel(with_sums: bool, q_BnHh: Tensor, k_BTKh: Tensor, v_BTKh: Tensor, *, softmax_scale: float, causal: bool) -> Any:
    """What FlashAttention's documentation says its function computes."""
    assert causal and q_BnHh.dim() == k_BTKh.dim() == v_BTKh.dim() == 4
    group = q_BnHh.shape[2] // k_BTKh.shape[2]
    q, k, v = (x.transpose(1, 2) for x in (q_BnHh, k_BTKh.repeat_interleave(group, 2), v_BTKh.repeat_interleave(group, 2)))
    scores = softmax_scale * q @ k.mT
    seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(scores.shape[-1] - scores.shape[-2])
    scores = scores.masked_fill(~seen, -math.inf)
    y = (scores.softmax(-1) @ v).transpose(1, 2)
    return (y, scores.logsumexp(-1)) if with_sums else y


def repeated(*inputs: Any) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "reads_shared_heads", lambda *_: False)
        return by_torch(*inputs)


CAUSAL: dict[str, Kernel] = {
    "tiles": tiled,
    "torch": by_torch,
    "torch, heads repeated": repeated,
    "a wheel": partial(by_wheel, partial(wheel, False)),
    "an older wheel": partial(by_wheel, partial(wheel, True)),
}
MASKED = {name: CAUSAL[name] for name in ("torch", "torch, heads repeated")}
lengths = {"batch": st.integers(1, 2), "kv_heads": st.integers(1, 3), "group": st.integers(1, 3), "queries": st.integers(1, 9)}


def drawn(batch: int, kv_heads: int, group: int, queries: int, keys: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(queries)
    q, k, v = (
        torch.randn(batch, kv_heads, *shape, 8, generator=generator, dtype=torch.float64) for shape in ((queries, group), (keys,), (keys,))
    )
    return q, k, v


@pytest.mark.parametrize("name", CAUSAL)
@settings(deadline=None, max_examples=25)
@given(**lengths, past=st.integers(0, 9))
def test_a_query_sees_the_keys_up_to_its_own(name: str, batch: int, kv_heads: int, group: int, queries: int, past: int) -> None:
    q, k, v = drawn(batch, kv_heads, group, queries, queries + past)
    torch.testing.assert_close(CAUSAL[name](q, k, v, None), plain(q, k, v, None), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", MASKED)
@settings(deadline=None, max_examples=25)
@given(**lengths, past=st.integers(0, 9), seed=st.integers(0, 99))
def test_a_mask_replaces_the_causal_one(name: str, batch: int, kv_heads: int, group: int, queries: int, past: int, seed: int) -> None:
    q, k, v = drawn(batch, kv_heads, group, queries, queries + past)
    visible = torch.rand(batch, 1, queries, queries + past, generator=torch.Generator().manual_seed(seed)) < 0.5
    visible[..., 0] = True  # nobody is blind
    torch.testing.assert_close(MASKED[name](q, k, v, visible), plain(q, k, v, visible), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", CAUSAL)
def test_gradients_are_those_of_attention_written_out(name: str) -> None:
    q, k, v = inputs = [x.requires_grad_() for x in drawn(2, 2, 3, 5, 7)]
    found, expected = (torch.autograd.grad(kernel(q, k, v, None).square().sum(), inputs) for kernel in (CAUSAL[name], plain))
    for gradient, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in CAUSAL if name != "torch, heads repeated"])
def test_a_kernel_is_compiled_without_a_break(name: str) -> None:
    """It is an argument of what is compiled, as in a block; the order in which torch tries its own is part of the graph."""

    def attend(kernel: Kernel, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return kernel(q, k, v, None)

    inputs = drawn(1, 2, 2, 5, 5)
    compiled = torch.compile(attend, backend="eager", fullgraph=True)
    assert torch.equal(compiled(CAUSAL[name], *inputs), CAUSAL[name](*inputs, None))


# --- which is taken

BF16, FP32 = torch.bfloat16, torch.float32


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (Setting("cpu", FP32, False, 0, False), "tiles"),
        (Setting("cpu", BF16, False, 0, False), "tiles"),
        (Setting("cpu", FP32, True, 0, False), "torch"),
        (Setting("cuda", BF16, False, 9, True), "flash"),
        (Setting("cuda", torch.float16, False, 9, True), "flash"),
        (Setting("cuda", BF16, False, 9, False), "torch"),
        (Setting("cuda", BF16, True, 9, True), "torch"),
        (Setting("cuda", FP32, False, 9, True), "torch"),
        (Setting("cuda", BF16, False, 8, True), "torch"),
        (Setting("cuda", BF16, False, 10, True), "torch"),
        (Setting("mps", FP32, False, 0, False), "torch"),
    ],
)
def test_the_kernel_of_a_setting(setting: Setting, expected: str) -> None:
    assert choose(setting) == expected


def test_only_fused_kernels_for_half_precision_share_heads_on_cuda() -> None:
    assert reads_shared_heads("cuda", BF16, masked=False) and reads_shared_heads("cpu", FP32, masked=True)
    assert not reads_shared_heads("mps", FP32, masked=False)
    assert not reads_shared_heads("cuda", FP32, masked=False) and not reads_shared_heads("cuda", BF16, masked=True)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kernel]:
    """What is taken for bfloat16 on a GPU of some capability, with some wheel installed."""

    def taken(major: int, module: ModuleType | None) -> Kernel:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (major, 0))
        monkeypatch.setitem(sys.modules, "flash_attn_interface", module)  # None cannot be imported
        return kernel_for.__wrapped__(torch.device("cuda"), BF16, False)

    return taken


def test_a_wheel_is_taken_where_it_runs(gpu: Callable[..., Kernel]) -> None:
    module = ModuleType("flash_attn_interface")
    module.flash_attn_func = partial(wheel, False)  # type: ignore[attr-defined]
    q, k, v = drawn(1, 2, 2, 5, 5)
    taken = gpu(9, module)
    assert taken is not by_torch
    torch.testing.assert_close(taken(q, k, v, None), by_torch(q, k, v, None))
    assert gpu(8, module) is by_torch and gpu(9, None) is by_torch


def test_a_wheel_that_does_not_fit_is_left_alone(gpu: Callable[..., Kernel]) -> None:
    class Broken(ModuleType):
        def __getattr__(self, name: str) -> None:
            raise OSError("undefined symbol")

    assert gpu(9, Broken("flash_attn_interface")) is by_torch
    assert flash_attention_3() is None


def test_the_kernels_of_this_machine() -> None:
    cpu = torch.device("cpu")
    assert kernel_for(cpu, FP32, False) is tiled and kernel_for(cpu, FP32, True) is by_torch


def test_what_apples_gpu_lacks_is_not_asked_for() -> None:
    cpu, cuda, mps = (torch.device(name) for name in ("cpu", "cuda", "mps"))
    assert [precision_of_sums(device) for device in (cpu, cuda, mps)] == [torch.float64, torch.float64, torch.float32]
    assert [is_compiled_for(device) for device in (cpu, cuda, mps)] == [True, True, False]
