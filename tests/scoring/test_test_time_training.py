"""Test-time training against a plain loop written here, which cuts out each context by itself and trains with torch's own optimiser."""

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from torch.nn import functional as F

from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.gpt import GPT
from bytegolf.runtime.parallel import ALONE
from bytegolf.scoring import compiled as compiling
from bytegolf.scoring.protocols import score_tokens
from support import scoring_processes as together
from support.models import changed, random_model
from support.scored_texts import config, random_tokens
from support.scoring_reference import context_start
from support.ttt_scores import LAYOUT, STRIDE, WINDOW, score, ttt


def plain_ttt(model: GPT, tokens: list[int], layout: ScoreConfig, how: TttConfig) -> list[float]:
    """Nats of each target. A window's targets all belong to the chunk of the first of them."""
    model = copy.deepcopy(model)
    targets, window, chunk = len(tokens) - 1, layout.window, how.chunk_tokens
    starts = [max(0, context_start("sliding", target, targets, window, layout.stride)) for target in range(targets)]
    first = {start: starts.index(start) for start in starts}  # the first target of each window
    optimizer = torch.optim.SGD(model.parameters(), lr=how.lr, momentum=how.momentum)
    chunks = math.ceil(targets / chunk)
    nats: list[float] = []
    for number in range(chunks):
        with torch.no_grad():
            while len(nats) < targets and first[starts[len(nats)]] // chunk == number:
                target = len(nats)
                logits = model(torch.tensor([tokens[starts[target] : target + 1]]))[0, -1]
                nats.append(-float(torch.log_softmax(logits.double(), -1)[tokens[target + 1]]))
        if number == chunks - 1:
            break
        optimizer.param_groups[0]["lr"] = how.lr * 0.5 * (1 + math.cos(math.pi * number / max(chunks - 1, 1)))
        begins = [number * chunk + i * window for i in range(chunk // window)]
        for _ in range(how.epochs):
            for i in range(0, len(begins), int(how.batch_sequences)):
                batch = torch.tensor([tokens[begin : begin + window + 1] for begin in begins[i : i + int(how.batch_sequences)]])
                optimizer.zero_grad()
                F.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()).backward()
                nn.utils.clip_grad_norm_(model.parameters(), how.grad_clip)
                optimizer.step()
    return nats


HOWS: dict[str, dict[str, float]] = {
    "usual": {},
    "no momentum": {"momentum": 0},
    "one epoch": {"epochs": 1},
    "gradients cut short": {"grad_clip": 0.01, "lr": 1.0},
    "chunks of whole windows": {"chunk_tokens": 16},
    "an update for each sequence": {"batch_sequences": 1},
    "batches of unequal size": {"chunk_tokens": 27, "batch_sequences": 2},
    "a chunk": {"chunk_tokens": 1000},
    "chunks too small to learn from": {"chunk_tokens": 7},
}


@pytest.mark.parametrize("name", HOWS)
@pytest.mark.parametrize("targets", [5, 21, 41, 70])
def test_scores_are_those_of_a_plain_loop(name: str, targets: int) -> None:
    model, tokens, how = random_model(changed()), random_tokens(targets + 1, 48), ttt(**HOWS[name])
    expected = math.fsum(plain_ttt(model, tokens.tolist(), LAYOUT, how)) / math.log(2)
    assert score(model, tokens, how).bits == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_a_batch_may_pass_in_unequal_portions(at_once: int) -> None:
    model, tokens, how = random_model(changed()), random_tokens(71, 48), ttt(chunk_tokens=27, batch_sequences=3)
    expected = math.fsum(plain_ttt(model, tokens.tolist(), LAYOUT, how)) / math.log(2)
    assert score(model, tokens, how, config(WINDOW, STRIDE, at_once * WINDOW)).bits == pytest.approx(expected, rel=1e-6)


def test_the_plain_loop_shows_what_is_learned() -> None:
    """Else agreement with it would say nothing: every setting moves the score by more than the tolerance, text allowing."""
    model, tokens = random_model(changed()), random_tokens(71, 48)
    bits = [math.fsum(plain_ttt(model, tokens.tolist(), LAYOUT, ttt(**HOWS[name]))) for name in HOWS]
    gaps = np.diff(sorted(bits[:-2]))
    assert gaps.min() > 1e-5 * bits[0] and bits[-1] == pytest.approx(bits[-2], rel=1e-9)


def test_text_that_repeats_is_learned() -> None:
    tokens = np.tile(random_tokens(25, 48), 12)
    model = random_model(changed())
    still, learning = score(model, tokens, ttt(lr=0)), score(model, tokens, ttt(lr=0.2))
    assert learning.bits < 0.8 * still.bits


STILL = {
    "rate 0": (ttt(lr=0, chunk_tokens=16), config(16, 4, 64)),  # chunks and batches, of four windows, end together
    "no epochs": (ttt(epochs=0, chunk_tokens=16), config(16, 4, 64)),
    "chunks below a window": (ttt(chunk_tokens=7), config(16, 4, 16)),  # batches of one window
    "a single chunk": (ttt(chunk_tokens=200), config(16, 5, 64)),
}


@pytest.mark.parametrize("case", STILL)
def test_without_learning_scores_are_those_of_sliding_windows_to_the_bit(case: str) -> None:
    """Where both make the same batches: what else stands in a batch moves bits by rounding."""
    how, layout = STILL[case]
    model, tokens = random_model(changed()), random_tokens(16 * 9 + 1, 48)
    assert score(model, tokens, how, layout).bits == score_tokens(model, tokens, 1, "sliding", layout).bits


def test_frozen_blocks_do_not_move() -> None:
    """Every other parameter does: all entries that belong to one of the first blocks stay, to the bit."""
    model, tokens = random_model(changed()), random_tokens(60, 48)
    seen: list[dict[str, Tensor]] = []
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    capture(model, seen)
    score(model, tokens, ttt(freeze_blocks=2))
    after = seen[-1]
    layers = model.config.num_layers
    for name, value in before.items():
        moved = after[name] != value
        if name in ("banks.qo", "banks.kv"):
            moved = moved.unflatten(0, (2, layers)).transpose(0, 1)
        if name.startswith("banks.") or name in {f"controls.{gain}" for gain in ("attention_scale", "mlp_scale", "q_gain", "residual_mix")}:
            assert not moved[:2].any() and all(block.any() for block in moved[2:]), name
        else:
            assert moved.any(), name


def test_all_blocks_may_be_frozen_but_no_more() -> None:
    model, tokens = random_model(changed()), random_tokens(60, 48)
    assert score(model, tokens, ttt(freeze_blocks=4)).bits > 0
    with pytest.raises(InputError, match=r"ttt\.freeze_blocks: expected at most model\.num_layers 4, found 5"):
        score(model, tokens, ttt(freeze_blocks=5))


def capture(model: GPT, seen: list[dict[str, Tensor]]) -> None:
    """Note the weights with which a model, or a copy of it, scores."""
    plain = GPT.nats

    def nats(self: GPT, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        seen.append({name: value.detach().clone() for name, value in self.named_parameters()})
        return plain(self, tokens_BT, targets_Bn)

    model.__class__ = type("Captured", (GPT,), {"nats": nats})


# --- what stays


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(training: bool) -> None:
    model = random_model(changed()).train(training).requires_grad_(False)
    seen: list[dict[str, Tensor]] = []
    capture(model, seen)
    before = copy.deepcopy(model.state_dict())
    score(model, random_tokens(70, 48), ttt())
    assert any((seen[-1][name] != value).any() for name, value in before.items())
    assert_same(model, before, training)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was_whatever_happens(error: type[BaseException], training: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model(changed()).train(training).requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    steps: list[None] = []
    plain: Callable[..., None] = torch.optim.SGD.step

    def step(*arguments: Any) -> None:
        plain(*arguments)
        steps.append(None)
        if len(steps) == 3:
            raise error

    monkeypatch.setattr(torch.optim.SGD, "step", step)
    with pytest.raises(error):
        score(model, random_tokens(70, 48), ttt())
    assert_same(model, before, training)


def assert_same(model: GPT, before: dict[str, Tensor], training: bool) -> None:
    assert model.training is training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())
    assert model.functions == ModelFunctions()


def test_a_rate_that_is_too_high_ends_in_one_line() -> None:
    with pytest.raises(InputError, match=r"expected finite scores.* or ttt\.lr or lora\.lr is too high"):
        score(random_model(changed()), random_tokens(70, 48), ttt(lr=1e30, grad_clip=0))


def test_chunks_that_hold_no_sequence_are_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    score(random_model(changed()), random_tokens(20, 48), ttt(chunk_tokens=7))
    assert "nothing will be learned, no chunk of 7 tokens holds a sequence of 8" in capsys.readouterr().err
    score(random_model(changed()), random_tokens(20, 48), ttt(chunk_tokens=8))
    assert capsys.readouterr().err == ""


def test_much_work_learns_by_compiled_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = random_model(changed()), random_tokens(101, 48)
    layout = config(WINDOW, STRIDE, 2 * WINDOW)
    plain = score(model, tokens, ttt(), layout).bits
    learning: set[torch.Size] = set()

    def compile_(function: Callable[..., object], **_: object) -> Callable[..., object]:
        def run(*arguments: Any, **options: object) -> object:
            if function.__name__ == "block" and torch.is_grad_enabled():
                learning.add(arguments[0].shape)
            return function(*arguments, **options)

        return run

    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(compiling, "PAYS", 0)
    assert score(model, tokens, ttt(), layout).bits == plain
    assert learning == {torch.Size((2, WINDOW, 24))}


# --- several processes


@pytest.mark.parametrize("size", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_score_as_one(size: int, tmp_path: Path) -> None:
    spawn(together.process, (size, str(tmp_path)), nprocs=size)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(size)]
    assert all(scores == found[0] for scores in found)
    assert found[0] == pytest.approx(together.bpb(ALONE), abs=1e-6)
