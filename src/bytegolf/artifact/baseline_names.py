"""The weights of the baseline's scripts under the names and in the stacks of this package.

The scripts name a tensor per kind of matrix ("banked") or per layer, and their vectors per layer in either case.
"""

from collections.abc import Collection, Mapping
from math import prod

import torch
from torch import Tensor

from bytegolf.artifact.redundant_tensors import is_weight, without_redundant
from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.model.shapes import Shape, parameter_shapes

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


def translate(found: Mapping[str, object], config: ModelConfig, source: str) -> dict[str, Tensor]:
    """Return the float32 weights of the model `config`, from tensors under this package's names or the baseline's.

    What is no tensor of floats, such as a count of steps, is passed over where the model has no such weight. Raises InputError, calling
    the checkpoint `source`, that names the first tensor missing, of another kind or shape, not finite or left over, and the key of the
    recipe that would explain it where shapes tell.
    """
    tensors = without_redundant(found, config, source)
    shapes = parameter_shapes(config)
    members = {name: [name] for name in shapes} if _named_as_here(tensors) else _baseline_names(shapes, tensors)
    weights, hint = {}, _hint(tensors, config)
    for name, shape in shapes.items():
        expected = shape[1:] if members[name] == _layered(name, shape) else shape
        parts = [_required(tensors, member, expected, source, hint) for member in members[name]]
        weights[name] = torch.stack([part.float().reshape(expected) for part in parts]).reshape(shape)
    known = {member for names in members.values() for member in names}
    extra = next((name for name, value in tensors.items() if is_weight(value) and name not in known), None)
    if extra is not None:
        raise InputError(f"{source}: expected the tensors of the recipe, found {extra} too{hint}")
    return weights


def _required(tensors: Mapping[str, object], name: str, shape: Shape, source: str, hint: str) -> Tensor:
    """Return tensor `name`. Raises InputError unless it is one of floats, of this shape (or one number, if that is one) and finite."""
    value = tensors.get(name)
    if value is None:
        similar = next((other for other in tensors if other.endswith(f".{name}")), "none")
        raise InputError(f"{source}: expected tensor {name}, found {similar}{hint}")
    if not is_weight(value):
        kind = f"one of {value.dtype}" if isinstance(value, Tensor) else type(value).__name__
        raise InputError(f"{source}: expected {name} to be a tensor of floats, found {kind}")
    if value.shape != shape and not value.numel() == prod(shape) == 1:
        raise InputError(f"{source}: expected {name} of shape {[*shape]}, found {[*value.shape]}{hint}")
    if not value.float().isfinite().all():
        raise InputError(f"{source}: expected finite weights, found NaN or infinity in {name}")
    return value.detach()


def _named_as_here(names: Collection[str]) -> bool:
    """Return whether tensors have this package's names: those that the baseline does not have too."""
    return any(name in names for name in (*PER_LAYER, *PLAIN) if PLAIN.get(name) != name)


def _baseline_names(shapes: Mapping[str, Shape], names: Collection[str]) -> dict[str, list[str]]:
    """Return the names of the baseline's tensors that make up each parameter: one per layer, or one for all.

    What the baseline does not have keeps its name, to be missed under it.
    """
    whole = PLAIN | (BANKS if any(bank in names for bank in BANKS.values()) else {})
    return {name: [whole[name]] if name in whole else _layered(name, shape) or [name] for name, shape in shapes.items()}


def _layered(name: str, shape: Shape) -> list[str]:
    """Return the baseline's tensor for each layer of a parameter that it holds layer by layer; none for others."""
    if name == "value_embedding.layer_scales":
        return [f"ve_layer_scales.{layer}" for layer in range(shape[0])]
    kinds = PER_LAYER.get(name, ())
    return [f"blocks.{layer}.{kind}" for kind in kinds for layer in range(shape[0] // len(kinds))]


def _hint(tensors: Mapping[str, object], config: ModelConfig) -> str:
    """Return words for the first key of the recipe that the checkpoint's shapes contradict, none if there is none."""
    try:
        implied = _implied_keys({name: tensor.shape for name, tensor in tensors.items() if is_weight(tensor)}, config)
    except (ValueError, IndexError, KeyError, ZeroDivisionError):  # shapes that are no such model's tell nothing
        return ""
    for key, value in implied.items():
        if getattr(config, key) != value:
            return f"; it looks like model.{key} = {value}, the recipe has {getattr(config, key)}"
    return ""


def _implied_keys(shapes: Mapping[str, Shape], config: ModelConfig) -> dict[str, object]:
    """Return the keys of [model] that the shapes of a baseline checkpoint imply; a width that no shape tells is the recipe's."""
    gains = [shape for name, shape in shapes.items() if name.endswith(".attn.q_gain")]
    vocab, dim = shapes["tok_emb.weight"]
    heads = gains[0][0]
    kv_dim = shapes["kv_bank" if "kv_bank" in shapes else "blocks.0.attn.c_k.weight"][-2]
    hidden = shapes["mlp_up_bank" if "mlp_up_bank" in shapes else "blocks.0.mlp.fc.weight"][-2]
    _, value_dim = shapes.get("ve_shared.embed.weight", (0, config.value_embed_dim))
    implied: dict[str, object] = {
        "vocab_size": vocab,
        "model_dim": dim,
        "num_layers": len(gains),
        "num_heads": heads,
        "num_kv_heads": kv_dim * heads // dim,
        "mlp_mult": config.mlp_mult if hidden == int(config.mlp_mult * dim) else hidden / dim,
        "tie_embeddings": "lm_head.weight" not in shapes,
        "smear_gate": "smear.gate" in shapes,
        "residual_mix": "blocks.0.resid_mix" in shapes,
        "head_gate_inputs": 0,
        "unet_skips": len(gains) < 2 or "skip_weights" in shapes,
    }
    for table in ("bigram", "trigram"):
        rows, width = shapes.get(f"{table}.embed.weight", (0, getattr(config, f"{table}_dim")))
        implied |= {f"{table}_size": rows, f"{table}_dim": width}
    layers = sum(name.startswith("ve_layer_scales.") for name in shapes)
    return implied | {"value_embed_layers": layers, "value_embed_dim": value_dim}
