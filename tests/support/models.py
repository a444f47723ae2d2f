"""Small models with nothing hidden: every switch, and parameters that are random throughout."""

import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT

# Every feature on, at a size where the slow reference takes milliseconds. Four layers: two encoders, two decoders.
EVERYTHING = ModelConfig(
    vocab_size=48,
    num_layers=4,
    model_dim=24,
    num_heads=4,
    num_kv_heads=2,
    mlp_mult=2,
    mlp_leak=0.5,
    rope_dims=4,
    rope_base=100.0,
    logit_softcap=10.0,
    depth_scale=True,
    residual_mix=True,
    unet_skips=True,
    smear_gate=True,
    xsa_layers=2,
    bigram_size=37,
    bigram_dim=10,
    trigram_size=29,
    trigram_dim=7,
    value_embed_layers=3,
    value_embed_dim=5,
    isolate_documents=True,
)

# What each case changes in EVERYTHING.
CHANGES: dict[str, dict[str, object]] = {
    "everything": {},
    "1 layer": {"num_layers": 1, "xsa_layers": 1, "value_embed_layers": 1},
    "2 layers": {"num_layers": 2, "value_embed_layers": 1},
    "3 layers": {"num_layers": 3},
    "5 layers": {"num_layers": 5},
    "looped": {"loop_first": 1, "loop_blocks": 2, "loops": 2},
    "three times two of five": {"num_layers": 5, "loop_first": 2, "loop_blocks": 2, "loops": 3},
    "first block looped": {"loop_blocks": 1, "loops": 2},
    "last blocks looped": {"loop_first": 2, "loops": 3},
    "1 layer, four times": {"num_layers": 1, "xsa_layers": 1, "value_embed_layers": 1, "loops": 4},
    "a loop of no skips": {"loops": 2, "unet_skips": False},
    "untied head": {"tie_embeddings": False},
    "one kv head": {"num_kv_heads": 1},
    "one head": {"num_heads": 1, "num_kv_heads": 1},
    "three heads to a kv head": {"num_heads": 6},
    "as many kv heads as heads": {"num_kv_heads": 4},
    "whole head rotated": {"rope_dims": 0},
    "two dimensions rotated": {"rope_dims": 2},
    "other rope base": {"rope_base": 10_000.0},
    "gated heads": {"head_gate_inputs": 5},
    "heads gated by all dimensions, one kv head": {"head_gate_inputs": 24, "num_kv_heads": 1},
    "no xsa": {"xsa_layers": 0},
    "xsa in every layer": {"xsa_layers": 4},
    "no bigram": {"bigram_size": 0},
    "no trigram": {"trigram_size": 0},
    "no hashes": {"bigram_size": 0, "trigram_size": 0},
    "smallest hash tables": {"bigram_size": 2, "trigram_size": 2},
    "bigram without projection": {"bigram_dim": 24},
    "trigram without projection": {"trigram_dim": 24},
    "bigram wider than the model": {"bigram_dim": 30},
    "no value embedding": {"value_embed_layers": 0},
    "value embedding in every layer": {"value_embed_layers": 4},
    "value embedding without projection": {"value_embed_dim": 12},
    "no smear": {"smear_gate": False},
    "no skips": {"unet_skips": False},
    "no residual mix": {"residual_mix": False},
    "no depth scale": {"depth_scale": False},
    "no leak": {"mlp_leak": 0.0},
    "leak of 1": {"mlp_leak": 1.0},
    "fractional mlp width": {"mlp_mult": 1.3},
    "other softcap": {"logit_softcap": 2.0},
    "documents not isolated": {"isolate_documents": False},
    "largest vocabulary": {"vocab_size": 65_536, "model_dim": 12, "num_heads": 2, "num_kv_heads": 1},
    "bare": {
        "depth_scale": False,
        "residual_mix": False,
        "unet_skips": False,
        "smear_gate": False,
        "xsa_layers": 0,
        "bigram_size": 0,
        "trigram_size": 0,
        "value_embed_layers": 0,
        "isolate_documents": False,
        "rope_dims": 0,
    },
}

# The presets of the baseline (section 9) at an eighth of their width: depths, heads, a quarter of each head rotated,
# MLP, which blocks have XSA and value embeddings, which hashes there are. Documents were never isolated.
_BARE_SEED = {
    **CHANGES["bare"], "model_dim": 64, "num_heads": 8, "num_kv_heads": 4, "mlp_mult": 3,
    "residual_mix": True, "unet_skips": True, "smear_gate": True, "bigram_size": 101, "bigram_dim": 16,
}  # fmt: skip
_LATE_SEED = {**_BARE_SEED, "depth_scale": True, "rope_dims": 2, "xsa_layers": 4, "value_embed_layers": 2, "value_embed_dim": 16}
SEED_SHAPES: dict[str, dict[str, object]] = {
    "9 layers, baseline": {**_BARE_SEED, "num_layers": 9, "mlp_mult": 2, "mlp_leak": 0.0, "smear_gate": False, "bigram_size": 0},
    "10 layers, v2": {**_BARE_SEED, "num_layers": 10},
    "11 layers, kv2": {**_BARE_SEED, "num_layers": 11, "num_kv_heads": 2, "bigram_size": 61},
    "11 layers, v11": {**_LATE_SEED, "num_layers": 11, "xsa_layers": 11, "bigram_size": 31, "bigram_dim": 14},
    "12 layers, trigram": {**_BARE_SEED, "num_layers": 12, "trigram_size": 23, "trigram_dim": 8},
    "12 layers, v10": {**_LATE_SEED, "num_layers": 12},
    "13 layers, v9": {**_LATE_SEED, "num_layers": 13},
}
CHANGES |= SEED_SHAPES


def changed(**changes: object) -> ModelConfig:
    """EVERYTHING with some fields replaced."""
    return ModelConfig.model_validate({**EVERYTHING.model_dump(), **changes})


def random_model(config: ModelConfig, seed: int = 0, compute_dtype: torch.dtype = torch.float32) -> GPT:
    """A model whose every parameter is random: at initialisation zeros and ones would hide half of the equations."""
    model = GPT(config, compute_dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            fan_in = parameter.shape[-1] if parameter.dim() > 1 else 1
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * fan_in**-0.5 if fan_in > 1 else 0.7 + 0.5 * noise)
    return model


def random_tokens(config: ModelConfig, length: int = 13, seed: int = 0) -> Tensor:
    """Three rows of documents: starts side by side and at the end; a start at 0; a single document."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(2, config.vocab_size, (3, length), generator=generator)
    starts = ((0, 5), (0, 6), (0, length - 1), (1, 0), (1, 4))
    for row, position in starts:
        if position < length:
            tokens[row, position] = 1
    tokens[2, 0] = config.vocab_size - 1
    return tokens
