"""Tensors that a checkpoint holds and a model does without: what it computes itself, and copies.

They are compared with what the model has in their place, as a model that computes otherwise is another one.
"""

from collections.abc import Mapping
from typing import TypeGuard

import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.model.attention import rotary_frequencies

FREQUENCIES = "inv_freq"  # last part of the name of rotary frequencies
TABLES = {"cos", "sin", "cos_cached", "sin_cached", "mask", "causal_mask"}  # of positions
EMBEDDINGS = {"head": "tokens", "lm_head.weight": "tok_emb.weight"}  # by the head that is tied to them
TOLERANCE = 0.01  # relative, of frequencies: bfloat16 keeps 1/256


def without_redundant(values: Mapping[str, object], config: ModelConfig, source: str) -> dict[str, object]:
    """Return `values` without tensors that are empty, computed by the model `config`, or the tied embedding once more.

    Raises InputError, calling the checkpoint `source`, for rotary frequencies or a tied head that are not the model's.
    """
    kept: dict[str, object] = {}
    for name, value in values.items():
        last = name.rpartition(".")[2]
        if not is_weight(value):
            kept[name] = value
        elif last == FREQUENCIES:
            _require_frequencies(value, name, config, source)
        elif config.tie_embeddings and is_weight(embedding := values.get(EMBEDDINGS.get(name, ""))):
            _require_same(value, embedding, name, source)
        elif value.numel() and last not in TABLES:  # the baseline writes skips for one layer, empty
            kept[name] = value
    return kept


def is_weight(value: object) -> TypeGuard[Tensor]:
    """Return whether a value of a checkpoint can be a weight: a plain tensor of floats."""
    return isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu" and value.is_floating_point()


def _require_frequencies(found: Tensor, name: str, config: ModelConfig, source: str) -> None:
    expected = rotary_frequencies(config.rotated_dims, config.rope_base, torch.device("cpu"))
    if found.shape != expected.shape or not torch.allclose(found.float(), expected, rtol=TOLERANCE, atol=0.0):
        recipe = f"model.rope_base = {config.rope_base:g} and {config.rotated_dims} rotated dimensions"
        raise InputError(f"{source}: expected {name} for {recipe}, as the recipe has them, found other frequencies")


def _require_same(head: Tensor, embedding: Tensor, name: str, source: str) -> None:
    if not torch.equal(head.float(), embedding.float()):
        hint = "it looks like model.tie_embeddings = False, the recipe has True"
        raise InputError(f"{source}: expected {name} to be {EMBEDDINGS[name]} bit for bit, found another tensor; {hint}")
