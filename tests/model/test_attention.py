"""The two ways to attend are one: the tiled operator of CPUs and torch's own kernels."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.model.attention import attend, torch_attention


@settings(deadline=None, max_examples=40)
@given(batch=st.integers(1, 2), kv_heads=st.integers(1, 3), shared=st.integers(1, 3), queries=st.integers(1, 20), past=st.integers(0, 20))
def test_torchs_kernels_see_what_the_tiled_operator_sees(batch: int, kv_heads: int, shared: int, queries: int, past: int) -> None:
    generator = torch.Generator().manual_seed(queries)
    q, k, v = (
        torch.randn(batch, kv_heads, length, group, 8, generator=generator, dtype=torch.float64)
        for length, group in ((queries, shared), (queries + past, 1), (queries + past, 1))
    )
    torch.testing.assert_close(torch_attention(q, k.squeeze(3), v.squeeze(3), None), attend(q, k, v, None), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("queries", [1, 3, 5])
def test_a_mask_replaces_the_causal_one(queries: int) -> None:
    q, k, v = (torch.randn(1, 1, length, 1, 8, generator=torch.Generator().manual_seed(length)) for length in (queries, 5, 5))
    only_the_second = torch.zeros(1, 1, queries, 5, dtype=torch.bool)
    only_the_second[..., 1] = True
    torch.testing.assert_close(attend(q, k, v, only_the_second), v[:, :, 1:2].expand_as(q))
