"""Where there is enough to score a model is compiled, for the shape of which there is most; or it goes on without."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import torch

from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.gpt import GPT
from bytegolf.scoring import compiled as compiling
from bytegolf.scoring.protocols import score_tokens
from support.models import changed, random_model
from support.scored_texts import config, random_tokens

TOKENS = random_tokens(200, 48)
LAYOUT = config(16, 5, batch_tokens=64)  # a first window, nine batches of four, and a last one


def bits(model: GPT) -> float:
    return score_tokens(model, TOKENS, 1, "sliding", LAYOUT).bits


def test_long_work_compiles_and_scores_the_same(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = random_model(changed())
    plain, written = bits(model), model.functions
    compiled: set[str] = set()
    shapes: set[torch.Size] = set()

    def compile_(function: Callable[..., object], **_: object) -> Callable[..., object]:
        compiled.add(function.__name__)

        def run(*arguments: Any, **options: object) -> object:
            shapes.add(arguments[0].shape) if function.__name__ == "block" else None
            return function(*arguments, **options)

        return run

    monkeypatch.setattr(torch, "compile", compile_)
    monkeypatch.setattr(compiling, "PAYS", 0)
    assert bits(model) == plain
    assert len(compiled) == len(fields(ModelFunctions)) and shapes == {torch.Size((4, 16, 24))}
    assert model.functions is written
    assert capsys.readouterr().err.count("compile: begins") == 1


def test_short_work_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "compile", None)
    assert bits(random_model(changed())) > 0


def test_without_a_compiler_scoring_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = random_model(changed())
    plain = bits(model)

    def refused(*_: object, **__: object) -> object:
        raise RuntimeError("no working C++ compiler found\nand a long story")

    monkeypatch.setattr(torch, "compile", lambda function, **_: refused)
    monkeypatch.setattr(compiling, "PAYS", 0)
    assert bits(model) == plain
    assert capsys.readouterr().err.count("compile: not possible here, scoring goes on without (no working C++ compiler found)\n") == 1
