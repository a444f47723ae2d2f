"""The weights of the seed system's scripts under the names and in the stacks of this package.

They name a tensor per kind of matrix ("banked") or per layer, and their vectors per layer in either case.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import parameter_shapes

BANKS = {"banks.qo": "qo_bank", "banks.kv": "kv_bank", "banks.up": "mlp_up_bank", "banks.down": "mlp_down_bank"}
# The kinds of matrices in each bank, one after the other, each of all layers.
PER_LAYER = {
    "banks.qo": ("attn.c_q.weight", "attn.proj.weight"),
    "banks.kv": ("attn.c_k.weight", "attn.c_v.weight"),
    "banks.up": ("mlp.fc.weight",),
    "banks.down": ("mlp.proj.weight",),
    "controls.attention_scale": ("attn_scale",),
    "controls.mlp_scale": ("mlp_scale",),
    "controls.q_gain": ("attn.q_gain",),
    "controls.residual_mix": ("resid_mix",),
}
PLAIN = {
    "tokens": "tok_emb.weight",
    "head": "lm_head.weight",
    "smear.gate": "smear.gate",
    "controls.skips": "skip_weights",
    **{f"{table}.table": f"{table}.embed.weight" for table in ("bigram", "trigram")},
    **{f"{table}.projection": f"{table}.proj.weight" for table in ("bigram", "trigram")},
    **{f"{table}.scale": f"{table}.scale" for table in ("bigram", "trigram")},
    "value_embedding.table": "ve_shared.embed.weight",
    "value_embedding.projection": "ve_shared.proj.weight",
    "value_embedding.scale": "ve_shared.scale",
}


def translate(tensors: Mapping[str, Tensor], config: ModelConfig, source: str) -> dict[str, Tensor]:
    """Float32 weights of the model `config`, from tensors under this package's names or the seed's.

    Raises InputError, calling the checkpoint `source`, that names the first tensor missing, of another shape, not finite or
    left over, and the key of the recipe that would explain it where one can be told.
    """
    tensors = {name: tensor for name, tensor in tensors.items() if tensor.numel()}  # the seed writes the skips of one layer, none
    shapes = parameter_shapes(config)
    parts = {name: [name] if name in tensors else _seed_names(name, shape, tensors) for name, shape in shapes.items()}
    weights = {}
    for name, shape in shapes.items():
        whole = len(parts[name]) == 1 and parts[name] != _layered(name, shape)
        expected = shape if whole else shape[1:]
        for part in parts[name]:
            found = tensors.get(part)
            if found is None:
                raise InputError(f"{source}: expected tensor {part}, found none{_hint(tensors, config)}")
            if found.shape != expected and not found.numel() == expected.numel() == 1:
                raise InputError(f"{source}: expected {part} of shape {[*expected]}, found {[*found.shape]}{_hint(tensors, config)}")
            if not found.float().isfinite().all():
                raise InputError(f"{source}: expected finite weights, found others in {part}")
        weights[name] = torch.stack([tensors[part].float().reshape(expected) for part in parts[name]]).reshape(shape)
    extra = next((name for name in tensors if not any(name in names for names in parts.values())), None)
    if extra is not None:
        raise InputError(f"{source}: expected the tensors of the recipe, found {extra} too{_hint(tensors, config)}")
    return weights


def _seed_names(name: str, shape: torch.Size, tensors: Mapping[str, Tensor]) -> list[str]:
    """The seed's tensors whose stack a parameter is, or the one that it is as a whole."""
    if name in PLAIN:
        return [PLAIN[name]]
    banked = any(bank in tensors for bank in BANKS.values())
    return [BANKS[name]] if banked and name in BANKS else _layered(name, shape)


def _layered(name: str, shape: torch.Size) -> list[str]:
    """The seed's tensor for each layer of a parameter that it holds layer by layer; none for others."""
    if name == "value_embedding.layer_scales":
        return [f"ve_layer_scales.{layer}" for layer in range(shape[0])]
    kinds = PER_LAYER.get(name, ())
    return [f"blocks.{layer}.{kind}" for kind in kinds for layer in range(shape[0] // len(kinds))]


def _hint(tensors: Mapping[str, Tensor], config: ModelConfig) -> str:
    """The first key of the recipe that the checkpoint's shapes contradict."""
    try:
        told = _told_by({name: tensor.shape for name, tensor in tensors.items()}, config)
    except (ValueError, IndexError, KeyError, ZeroDivisionError):  # shapes that are no such model's tell nothing
        return ""
    for key, value in told.items():
        if getattr(config, key) != value:
            return f"; it looks like model.{key} = {value}, the recipe has {getattr(config, key)}"
    return ""


def _told_by(shapes: Mapping[str, torch.Size], config: ModelConfig) -> dict[str, object]:
    """Keys of [model] by the shapes of a seed checkpoint."""
    gains = [shape for name, shape in shapes.items() if name.endswith(".attn.q_gain")]
    vocab, dim = shapes["tok_emb.weight"]
    heads = gains[0][0]
    kv_dim = shapes["kv_bank" if "kv_bank" in shapes else "blocks.0.attn.c_k.weight"][-2]
    hidden = shapes["mlp_up_bank" if "mlp_up_bank" in shapes else "blocks.0.mlp.fc.weight"][-2]
    told: dict[str, object] = {"vocab_size": vocab, "model_dim": dim, "num_layers": len(gains), "num_heads": heads}
    told |= {"num_kv_heads": kv_dim * heads // dim, "mlp_mult": config.mlp_mult if hidden == int(config.mlp_mult * dim) else hidden / dim}
    told |= {"tie_embeddings": "lm_head.weight" not in shapes, "smear_gate": "smear.gate" in shapes}
    told |= {"residual_mix": "blocks.0.resid_mix" in shapes, "unet_skips": len(gains) < 2 or "skip_weights" in shapes}
    for table in ("bigram", "trigram"):
        rows, width = shapes.get(f"{table}.embed.weight", (0, getattr(config, f"{table}_dim")))
        told |= {f"{table}_size": rows, f"{table}_dim": width}
    _, width = shapes.get("ve_shared.embed.weight", (0, config.value_embed_dim))
    return told | {"value_embed_layers": sum(name.startswith("ve_layer_scales.") for name in shapes), "value_embed_dim": width}
