"""Weights are found in the dicts and wrappers that programs save them in, and are those that were saved."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from support.baseline_files import Tensors, banked, imported, logits, per_layer
from support.models import changed, random_model

CONFIG = changed(isolate_documents=False)
NAMINGS: dict[str, Callable[[GPT], Tensors]] = {"own": lambda model: model.state_dict(), "banked": banked, "per layer": per_layer}


def prefixed(prefix: str) -> Callable[[Tensors], dict[str, Any]]:
    return lambda weights: {prefix + name: tensor for name, tensor in weights.items()}


def adam(weights: Tensors) -> dict[str, Any]:
    """The state of an optimiser after a step."""
    parameters = [nn.Parameter(tensor.clone()) for tensor in weights.values() if tensor.numel()]
    optimizer = torch.optim.Adam(parameters)
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return optimizer.state_dict()


SAVED: dict[str, Callable[[Tensors], dict[str, Any]]] = {
    "compiled": prefixed("_orig_mod."),
    "distributed": prefixed("module."),
    "distributed and compiled": prefixed("module._orig_mod."),
    "a compiled part": lambda weights: {name.replace(".", "._orig_mod.", 1): tensor for name, tensor in weights.items()},
    "Lightning": lambda weights: {"state_dict": prefixed("model.")(weights), "epoch": 3, "hyper_parameters": {"lr": 0.1}},
    "with an optimiser": lambda weights: {"model": weights, "optimizer": adam(weights), "best_val_loss": torch.tensor(3.5)},
    "with a step": lambda weights: {"model": weights, "step": 3},
    "an average of weights": lambda weights: {"n_averaged": torch.tensor(7), **prefixed("module.")(weights)},
    "with counts": lambda weights: {**weights, "step": torch.tensor(3), "epoch": 2, "name": "best"},
    "with masks": lambda weights: {**weights, "blocks.0.attn.mask": torch.ones(1, 4, 4, dtype=torch.bool)},
}


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("naming", NAMINGS)
def test_the_model_that_was_saved(naming: str, saved: str, tmp_path: Path) -> None:
    model = random_model(CONFIG)
    torch.save(SAVED[saved](NAMINGS[naming](model)), tmp_path / "a.pt")
    again = imported(tmp_path / "a.pt", CONFIG)
    assert torch.equal(logits(again), logits(model))


def refused(value: object, tmp_path: Path) -> str:
    torch.save(value, tmp_path / "a.pt")
    with pytest.raises(InputError) as raised:
        imported(tmp_path / "a.pt", CONFIG)
    return str(raised.value).removeprefix(f"{tmp_path / 'a.pt'}: ")


def test_several_models(tmp_path: Path) -> None:
    weights = banked(random_model(CONFIG))
    message = "expected the tensors of one model, found several models (model, ema); save one of them alone"
    assert refused({"model": weights, "ema": weights}, tmp_path) == message


def test_one_name_twice(tmp_path: Path) -> None:
    weights = banked(random_model(CONFIG))
    message = "expected each tensor once, found smear.gate again as module.smear.gate"
    assert refused({**weights, "module.smear.gate": torch.zeros(24)}, tmp_path) == message


def test_what_is_missing_in_a_wrapped_model(tmp_path: Path) -> None:
    """It is called as the file calls its tensors, without the wrapper."""
    weights = random_model(CONFIG).state_dict()
    del weights["controls.q_gain"]
    assert refused({"model": prefixed("_orig_mod.")(weights)}, tmp_path) == "expected tensor controls.q_gain, found none"


def test_a_wrapper_that_is_not_known(tmp_path: Path) -> None:
    weights = prefixed("net.")(banked(random_model(CONFIG)))
    assert refused(weights, tmp_path) == "expected tensor tok_emb.weight, found net.tok_emb.weight"


def test_scales_of_other_rows(tmp_path: Path) -> None:
    """A row that all the scales would be multiplied with could fill the memory."""
    message = "expected a scale for each row of a, found 50000 for shape [1, 50000]"
    assert refused({"w": {"a.q": torch.ones(1, 50_000), "a.scale": torch.ones(50_000)}, "m": {}}, tmp_path) == message
