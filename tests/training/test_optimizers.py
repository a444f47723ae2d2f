"""Which optimiser moves which parameter how fast; whole steps against AdamW and Muon written out."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from bytegolf.config import ModelConfig, OptimConfig
from bytegolf.model.gpt import GPT
from bytegolf.training.optimizers import Optimizers
from support.training_reference import BANKS, PlainOptimizer

TIED = ModelConfig(
    vocab_size=24, num_layers=3, model_dim=16, num_heads=2, num_kv_heads=1, mlp_mult=2.0,
    bigram_size=13, bigram_dim=6, trigram_size=11, trigram_dim=5, value_embed_layers=2, value_embed_dim=3,
)  # fmt: skip
UNTIED = TIED.model_copy(update={"tie_embeddings": False})

# Every rate and decay a number of its own, so that none can stand for another.
CONFIG = OptimConfig(
    matrix_lr=0.011, embed_lr=0.012, head_lr=0.013, projection_lr=0.014, scalar_lr=0.015,
    matrix_weight_decay=0.21, weight_decay=0.22, momentum=0.9, momentum_start=0.5, momentum_warmup_steps=4, grad_clip=0.3,
)  # fmt: skip

TABLES = {"tokens", "bigram.table", "trigram.table", "value_embedding.table"}
PROJECTIONS = {"bigram.projection", "trigram.projection", "value_embedding.projection"}


def new(config: ModelConfig = TIED, optim: OptimConfig = CONFIG) -> tuple[GPT, Optimizers]:
    model = GPT(config)
    model.initialise(0)
    return model, Optimizers(model, optim, torch.float32)


def set_gradients(model: GPT, seed: int, scale: float = 1.0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = scale * torch.randn(parameter.shape, generator=generator)
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


def treatment(model: GPT, optimizers: Optimizers) -> Iterator[tuple[str, str, float, float]]:
    """(parameter, optimiser, learning rate, decay), once for each time that a parameter stands in a group."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for kind, optimizer in optimizers.all.items():
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                yield names[id(parameter)], kind, group["lr"], group["weight_decay"]


@pytest.mark.parametrize("config", [TIED, UNTIED], ids=["tied", "untied"])
def test_each_parameter_stands_in_the_group_of_its_kind(config: ModelConfig) -> None:
    model, optimizers = new(config)
    expected = {}
    for name, _ in model.named_parameters():
        if name in BANKS:
            expected[name] = ("muon", 0.011, 0.21)
        elif name in TABLES:
            expected[name] = ("adam", 0.012, 0.22)
        elif name in PROJECTIONS:
            expected[name] = ("adam", 0.014, 0.22)  # by one rule, in every layer
        elif name == "head":
            expected[name] = ("adam", 0.013, 0.0)
        else:
            expected[name] = ("adam", 0.015, 0.0)  # gains are never decayed
    assert {*BANKS, *TABLES, *PROJECTIONS} <= set(expected) and ("head" in expected) == (config is UNTIED)
    found = sorted(treatment(model, optimizers))
    assert found == sorted((name, *values) for name, values in expected.items())


def test_gains_are_not_decayed_and_all_else_is() -> None:
    """With a gradient of zero nothing but decay moves a weight."""
    model, optimizers = new(UNTIED)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)
            parameter.grad = torch.zeros_like(parameter)
    optimizers.step(0, scale=1.0)
    for name, parameter in model.named_parameters():
        left = (
            1 - 0.011 * 0.21 if name in BANKS else 1 - 0.012 * 0.22 if name in TABLES else 1 - 0.014 * 0.22 if name in PROJECTIONS else 1.0
        )
        torch.testing.assert_close(parameter.detach(), torch.full_like(parameter, left))


def clipped_gradients(model: GPT, optimizers: Optimizers) -> dict[str, Tensor]:
    """What reached the optimisers in their first step, read off their states."""
    found = {}
    for name, parameter in model.named_parameters():
        muon, adam = optimizers.banks.state[parameter], optimizers.adam.state[parameter]
        found[name] = muon["momentum"] if name in BANKS else adam["exp_avg"] / (1 - CONFIG.beta1)
    return found


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 1e3])
def test_the_norm_of_all_gradients_together_is_clipped(scale: float) -> None:
    model, optimizers = new()
    gradients = set_gradients(model, seed=1, scale=scale)
    norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients.values()))
    optimizers.step(0, scale=1.0)
    for name, found in clipped_gradients(model, optimizers).items():
        torch.testing.assert_close(found, gradients[name] * min(1.0, 0.3 / norm), rtol=1e-4, atol=0)


def test_a_cap_of_zero_clips_nothing() -> None:
    model, optimizers = new(optim=CONFIG.model_copy(update={"grad_clip": 0.0}))
    gradients = set_gradients(model, seed=1, scale=1e3)
    optimizers.step(0, scale=1.0)
    torch.testing.assert_close(clipped_gradients(model, optimizers), gradients, rtol=1e-5, atol=0)


@pytest.mark.parametrize("config", [TIED, UNTIED], ids=["tied", "untied"])
def test_whole_steps_against_the_formulas(config: ModelConfig) -> None:
    model, optimizers = new(config)
    plain = PlainOptimizer({name: weight.detach().clone() for name, weight in model.named_parameters()}, CONFIG)
    for step, scale in enumerate((1.0, 1.0, 0.7, 0.4, 0.1, 0.0)):
        expected = plain.step(set_gradients(model, seed=step, scale=10.0**-step), step, scale)
        optimizers.step(step, scale)
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(parameter.detach().double(), expected[name], rtol=0, atol=1e-5, msg=lambda text: f"{name}: {text}")  # noqa: B023


def test_rates_are_the_scale_times_their_base_whatever_came_before() -> None:
    model, optimizers = new(UNTIED)
    base = {name: rate for name, _, rate, _ in treatment(model, optimizers)}
    for step, scale in enumerate((0.5, 0.25, 0.0, 1.0)):
        set_gradients(model, seed=step)
        optimizers.step(step, scale)
        assert {name: rate for name, _, rate, _ in treatment(model, optimizers)} == {name: scale * rate for name, rate in base.items()}


def test_momentum_follows_its_schedule() -> None:
    model, optimizers = new()
    for step, expected in ((0, 0.5), (1, 0.6), (4, 0.9), (9, 0.9)):
        set_gradients(model, seed=step)
        optimizers.step(step, 1.0)
        assert optimizers.banks.param_groups[0]["momentum"] == pytest.approx(expected)


def test_gradients_are_dropped_and_state_is_float32() -> None:
    """Moments in bfloat16 would lose small gradients."""
    model = GPT(TIED, torch.bfloat16)
    model.initialise(0)
    optimizers = Optimizers(model, CONFIG, torch.bfloat16)
    set_gradients(model, seed=0)
    optimizers.step(0, 1.0)
    assert all(parameter.grad is None and parameter.dtype == torch.float32 for parameter in model.parameters())
    for optimizer in optimizers.all.values():
        states = [value for state in optimizer.state.values() for value in state.values() if value.is_floating_point()]
        assert states and {value.dtype for value in states} == {torch.float32}
