"""Weights under the baseline's names become the model that was saved, and the first tensor that is not the recipe's is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from support.baseline_files import Tensors, banked, imported, logits, per_layer
from support.models import CHANGES, changed, random_model

CONFIG = changed(isolate_documents=False)
SHAPES = {name: change for name, change in CHANGES.items() if name != "largest vocabulary" and "head_gate_inputs" not in change}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("naming", [banked, per_layer])
def test_the_baselines_weights(case: str, naming: Callable[[GPT], Tensors], tmp_path: Path) -> None:
    """Every switch; the logits are those of the model that was saved."""
    model = random_model(changed(**SHAPES[case]))
    torch.save(naming(model), tmp_path / "final_model.pt")
    again = imported(tmp_path / "final_model.pt", model.config)
    assert all(torch.equal(weight, model.state_dict()[name]) for name, weight in again.state_dict().items())
    assert float((logits(again) - logits(model)).abs().max()) <= 1e-6


def test_the_baseline_has_no_gated_heads(tmp_path: Path) -> None:
    torch.save(banked(random_model(CONFIG)), tmp_path / "final_model.pt")
    with pytest.raises(InputError, match=r"controls\.head_gate, found none; it looks like model\.head_gate_inputs = 0, the recipe has 3$"):
        imported(tmp_path / "final_model.pt", CONFIG.model_copy(update={"head_gate_inputs": 3}))


# --- checkpoints that are not the recipe's

Change = Callable[[dict[str, Any]], object]


def put(name: str, value: object) -> Change:
    return lambda tensors: tensors.update({name: value})


def drop(name: str) -> Change:
    return lambda tensors: tensors.pop(name)


WRONG: dict[str, tuple[Change, str]] = {
    "a bank missing": (drop("mlp_down_bank"), r"expected tensor mlp_down_bank, found none$"),
    "a vector missing": (drop("blocks.2.attn_scale"), r"expected tensor blocks\.2\.attn_scale, found none$"),
    "no gate": (
        drop("smear.gate"),
        r"expected tensor smear\.gate, found none; it looks like model\.smear_gate = False, the recipe has True",
    ),
    "one too many": (put("blocks.9.attn_scale", torch.ones(24)), r"found blocks\.9\.attn_scale too$"),
    "a head": (
        put("lm_head.weight", torch.ones(48, 24)),
        r"expected lm_head\.weight to be tok_emb\.weight bit for bit, found another tensor; .*tie_embeddings = False, the recipe has True$",
    ),
    "another shape": (put("qo_bank", torch.ones(8, 24, 23)), r"expected qo_bank of shape \[8, 24, 24\], found \[8, 24, 23\]$"),
    "another table": (
        put("bigram.embed.weight", torch.ones(38, 10)),
        r"bigram\.embed\.weight of shape \[37, 10\], found \[38, 10\]; it looks like model\.bigram_size = 38, the recipe has 37$",
    ),
    "a flat embedding": (put("tok_emb.weight", torch.ones(7)), r"tok_emb\.weight of shape \[48, 24\], found \[7\]$"),
    "not finite": (put("smear.gate", torch.full((24,), torch.nan)), r"expected finite weights, found NaN or infinity in smear\.gate$"),
    "whole numbers": (
        put("smear.gate", torch.ones(24, dtype=torch.int64)),
        r"smear\.gate to be a tensor of floats, found one of torch\.int64$",
    ),
    "a number": (put("smear.gate", 1.0), r"smear\.gate to be a tensor of floats, found float$"),
    "a loss": (put("best_val_loss", torch.tensor(3.5)), r"expected the tensors of the recipe, found best_val_loss too$"),
    "nothing": (lambda tensors: tensors.clear(), r"expected tensor tok_emb\.weight, found none$"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_first_difference_is_named(case: str, tmp_path: Path) -> None:
    change, expected = WRONG[case]
    tensors = banked(random_model(CONFIG))
    change(tensors)
    torch.save(tensors, tmp_path / "a.pt")
    with pytest.raises(InputError, match=expected) as raised:
        imported(tmp_path / "a.pt", CONFIG)
    assert str(raised.value).startswith(f"{tmp_path / 'a.pt'}: expected ") and "\n" not in str(raised.value)


OWN: dict[str, tuple[Change, str]] = {
    "a bank missing": (drop("banks.down"), r"expected tensor banks\.down, found none$"),
    "the embedding missing": (drop("tokens"), r"expected tensor tokens, found none$"),
    "another shape": (put("banks.qo", torch.ones(8, 24, 23)), r"expected banks\.qo of shape \[8, 24, 24\], found \[8, 24, 23\]$"),
    "one too many": (put("trigram.scales", torch.ones(2)), r"expected the tensors of the recipe, found trigram\.scales too$"),
    "a head": (put("head", torch.ones(48, 24)), r"expected head to be tokens bit for bit, found another tensor; .*tie_embeddings = False"),
    "whole numbers": (put("tokens", torch.ones(48, 24, dtype=torch.int32)), r"tokens to be a tensor of floats, found one of torch\.int32$"),
}


@pytest.mark.parametrize("case", OWN)
def test_tensors_are_called_as_the_file_calls_them(case: str, tmp_path: Path) -> None:
    change, expected = OWN[case]
    tensors = random_model(CONFIG).state_dict()
    change(tensors)
    torch.save(tensors, tmp_path / "a.pt")
    with pytest.raises(InputError, match=expected):
        imported(tmp_path / "a.pt", CONFIG)


KEYS: dict[str, object] = {
    "num_layers": 5, "model_dim": 32, "vocab_size": 50, "num_heads": 2, "num_kv_heads": 1, "mlp_mult": 3.0, "bigram_size": 0,
    "bigram_dim": 11, "trigram_size": 31, "trigram_dim": 8, "value_embed_layers": 1, "value_embed_dim": 6, "smear_gate": False,
    "residual_mix": False, "unet_skips": False, "tie_embeddings": False,
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("naming", [banked, per_layer])
def test_the_key_that_differs_is_named(key: str, naming: Callable[[GPT], Tensors], tmp_path: Path) -> None:
    other = changed(isolate_documents=False, **{key: KEYS[key]})
    torch.save(naming(random_model(other)), tmp_path / "a.pt")
    with pytest.raises(InputError, match=rf"; it looks like model\.{key} = .*, the recipe has {getattr(CONFIG, key)}"):
        imported(tmp_path / "a.pt", CONFIG)
