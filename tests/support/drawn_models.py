"""Any small model with every switch on, and any text for it."""

import torch
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.config import BOS, ModelConfig


@st.composite
def every_switch(draw: st.DrawFn, isolate_documents: bool | None = None) -> ModelConfig:
    """Sizes are drawn, and how many blocks have XSA and value embeddings; no part of the model is left out."""
    layers, kv_heads, group, half_head = (draw(st.integers(low, high)) for low, high in ((2, 6), (1, 3), (1, 3), (2, 4)))
    loop_first = draw(st.integers(0, layers - 1))
    return ModelConfig(
        vocab_size=draw(st.integers(5, 60)),
        num_layers=layers,
        loop_first=loop_first,
        loop_blocks=draw(st.integers(0, layers - loop_first)),
        loops=draw(st.integers(1, 3)),
        model_dim=kv_heads * group * 2 * half_head,
        num_heads=kv_heads * group,
        num_kv_heads=kv_heads,
        mlp_mult=draw(st.sampled_from([1.0, 2.0, 3.0])),
        tie_embeddings=draw(st.booleans()),
        rope_base=draw(st.sampled_from([20.0, 10_000.0])),
        rope_dims=2 * draw(st.integers(1, half_head)),
        depth_scale=True,
        residual_mix=True,
        unet_skips=True,
        smear_gate=True,
        head_gate_inputs=draw(st.integers(0, 4)),
        xsa_layers=draw(st.integers(1, layers)),
        bigram_size=draw(st.integers(2, 40)),
        bigram_dim=draw(st.integers(1, 12)),
        trigram_size=draw(st.integers(2, 40)),
        trigram_dim=draw(st.integers(1, 12)),
        value_embed_layers=draw(st.integers(1, layers)),
        value_embed_dim=draw(st.integers(1, 12)),
        isolate_documents=draw(st.booleans()) if isolate_documents is None else isolate_documents,
    )


def texts(config: ModelConfig, length: int) -> st.SearchStrategy[Tensor]:
    """One row of tokens (length) in which a document starts every few tokens."""
    token = st.one_of(st.integers(0, config.vocab_size - 1), st.sampled_from([BOS, 2]))
    return st.lists(token, min_size=length, max_size=length).map(torch.LongTensor)


def inner_texts(config: ModelConfig, length: int) -> st.SearchStrategy[Tensor]:
    """One row of tokens none of which starts a document."""
    return st.lists(st.integers(BOS + 1, config.vocab_size - 1), min_size=length, max_size=length).map(torch.LongTensor)
