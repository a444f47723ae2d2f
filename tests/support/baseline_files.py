"""Checkpoints as the baseline's scripts save them, written by its rules and names with nothing of the package's reader."""

import io
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bytegolf.artifact.baseline_names import translate
from bytegolf.artifact.foreign_checkpoint import read_tensors
from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_count
from support.models import random_tokens

Tensors = dict[str, Tensor]


def vectors(model: GPT) -> Tensors:
    """What both scripts name alike."""
    own = model.state_dict()
    names = {"tokens": "tok_emb.weight", "head": "lm_head.weight", "smear.gate": "smear.gate", "controls.skips": "skip_weights"}
    for table, baseline_table in (("bigram", "bigram"), ("trigram", "trigram"), ("value_embedding", "ve_shared")):
        names |= {
            f"{table}.table": f"{baseline_table}.embed.weight",
            f"{table}.projection": f"{baseline_table}.proj.weight",
            f"{table}.scale": f"{baseline_table}.scale",
        }
    saved = {baseline_name: own[name].clone() for name, baseline_name in names.items() if name in own}
    for layer in range(model.config.num_layers):
        saved[f"blocks.{layer}.attn_scale"] = own["controls.attention_scale"][layer].clone()
        saved[f"blocks.{layer}.mlp_scale"] = own["controls.mlp_scale"][layer].clone()
        saved[f"blocks.{layer}.attn.q_gain"] = own["controls.q_gain"][layer].clone()
        if "controls.residual_mix" in own:
            saved[f"blocks.{layer}.resid_mix"] = own["controls.residual_mix"][layer].clone()
    for place, scale in enumerate(own.get("value_embedding.layer_scales", [])):
        saved[f"ve_layer_scales.{place}"] = scale.reshape(1).clone()
    if model.config.depth == 1:
        saved["skip_weights"] = torch.zeros(0, model.config.model_dim)
    return saved


def banked(model: GPT) -> Tensors:
    """A `.pt` of the script whose matrices are banks."""
    own = model.state_dict()
    banks = {"qo_bank": "qo", "kv_bank": "kv", "mlp_up_bank": "up", "mlp_down_bank": "down"}
    return {**vectors(model), **{baseline_name: own[f"banks.{bank}"].clone() for baseline_name, bank in banks.items()}}


def per_layer(model: GPT) -> Tensors:
    """A `.pt` of the script that has a tensor per layer; and the names of every quantised export."""
    own, layers, saved = model.state_dict(), model.config.num_layers, vectors(model)
    for layer in range(layers):
        block = f"blocks.{layer}"
        saved[f"{block}.attn.c_q.weight"] = own["banks.qo"][layer].clone()
        saved[f"{block}.attn.proj.weight"] = own["banks.qo"][layers + layer].clone()
        saved[f"{block}.attn.c_k.weight"] = own["banks.kv"][layer].clone()
        saved[f"{block}.attn.c_v.weight"] = own["banks.kv"][layers + layer].clone()
        saved[f"{block}.mlp.fc.weight"] = own["banks.up"][layer].clone()
        saved[f"{block}.mlp.proj.weight"] = own["banks.down"][layer].clone()
    return saved


def exported(tensors: Tensors, mlp_bits: int) -> tuple[dict[str, Any], Tensors]:
    """{"w", "m"} of a quantised export, every kind of storage in it, and the weights it stands for."""
    stored: Tensors = {}
    kinds: dict[str, str] = {}
    meant: Tensors = {}
    for name, tensor in tensors.items():
        if ".mlp." in name or ".attn.c_v" in name or name in ("bigram.embed.weight", "ve_shared.embed.weight"):
            bits = 8 if name.startswith("ve") else mlp_bits if ".mlp." in name else 6
            reach = 2 ** (bits - 1) - 1
            scale = (tensor.abs().amax(dim=1) / reach).clamp(min=6.2e-5).half()
            q = (tensor / scale.float()[:, None]).round().clamp(-reach - 1 if bits < 8 else -reach, reach).to(torch.int8)
            stored[f"{name}.q"], stored[f"{name}.scale"], kinds[name] = q, scale, f"int{bits}"
            meant[name] = q.float() * scale.float()[:, None]
        elif name == "smear.gate":  # a vector has one scale
            q, scale = (tensor / 0.01).round().clamp(-127, 127).to(torch.int8), torch.tensor(0.01)
            stored[f"{name}.q"], stored[f"{name}.scale"], kinds[name] = q, scale, "int8"
            meant[name] = q.float() * 0.01
        elif name.endswith("resid_mix"):
            stored[name], kinds[name], meant[name] = tensor.float(), "fp32", tensor.float()
        else:
            stored[name], kinds[name] = tensor.half(), "fp16"
            meant[name] = tensor.half().float()
    return {"w": stored, "m": kinds}, meant


def torch_bytes(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def imported(path: Path, config: ModelConfig) -> GPT:
    """The model that a checkpoint becomes."""
    model = GPT(config)
    model.load_state_dict(translate(read_tensors(path, parameter_count(config)), config, str(path)))
    return model


def logits(model: GPT) -> Tensor:
    with torch.no_grad():
        return model(random_tokens(model.config))
