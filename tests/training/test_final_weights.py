"""The weights that are validated and that a run ends with: live ones, averages, and averages begun anew by late QAT."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from bytegolf.model.weights import Weights
from bytegolf.text.shards import TokenStream
from bytegolf.training.loop import Trainer
from support.runs import BITS, constant, equal, events, micro, new_trainer

QAT_OFF = "qat.start=1.0"
EMA_OFF = "average.ema_decay=0.0"


def record_weights(trainer: Trainer) -> list[Weights]:
    """Copies of the live weights after each step."""
    seen: list[Weights] = []
    update = trainer.learner.averages.update

    def recording(weights: Weights, step: int, scale: float) -> None:
        seen.append({name: weight.clone() for name, weight in weights.items()})
        update(weights, step, scale)

    trainer.learner.averages.update = recording  # type: ignore[method-assign, assignment]
    return seen


def test_validation_sees_live_weights_and_at_the_end_the_average(tmp_path: Path, stream: TokenStream) -> None:
    """On a part of the text during training, on all of it at the end."""
    validated: list[Weights] = []
    limits: list[int] = []

    def validate(weights: Weights, limit_bytes: int) -> dict[str, float]:
        validated.append({name: weight.clone() for name, weight in weights.items()})
        limits.append(limit_bytes)
        return {"bpb": float(len(validated))}

    trainer = new_trainer(tmp_path, micro("train.validate_every=8", "train.validate_bytes=500", QAT_OFF), stream)
    live = record_weights(trainer)
    final = trainer.fit(validate)
    assert [(event["step"], event["bpb"]) for event in events(tmp_path, "validate")] == [(8, 1.0), (16, 2.0), (24, 3.0), (30, 4.0)]
    assert [equal(weights, live[step - 1]) for weights, step in zip(validated[:3], (8, 16, 24), strict=True)] == [True] * 3
    assert equal(validated[3], final) and not equal(final, live[-1])
    assert limits == [500, 500, 500, 0]


def plain_ema(history: list[Weights], decay: float) -> Weights:
    average = {name: weight.double() for name, weight in history[0].items()}
    for weights in history[1:]:
        average = {name: decay * average[name] + (1 - decay) * weights[name].double() for name in average}
    return average


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.5, 15), (0.51, 16), (0.99, 30), (1.0, 30)])
def test_late_qat_begins_in_time_and_the_average_with_it(tmp_path: Path, stream: TokenStream, start: float, first: int) -> None:
    trainer = new_trainer(tmp_path, micro(f"qat.start={start}"), stream)
    live = record_weights(trainer)
    rounded: list[bool] = []
    loss = trainer.learner.loss

    def watching(sequences: Tensor) -> Tensor:
        rounded.append(trainer.learner.rounds_weights)
        return loss(sequences)

    trainer.learner.loss = watching  # type: ignore[method-assign]
    final = trainer.fit(constant)
    assert rounded == [step >= first for step in range(30)]
    assert [(event["step"], event["bits"]) for event in events(tmp_path, "qat")] == ([(first, BITS)] if first < 30 else [])
    since = live[first:] if first < 30 else live
    for name, expected in plain_ema(since, 0.9).items():
        torch.testing.assert_close(final[name].double(), expected, rtol=0, atol=1e-6)


def test_swa_is_the_mean_of_the_last_weights(tmp_path: Path, stream: TokenStream) -> None:
    trainer = new_trainer(tmp_path, micro(EMA_OFF, QAT_OFF, "average.swa_below=0.5", "average.swa_every=2"), stream)
    live = record_weights(trainer)
    final = trainer.fit(constant)
    # the multiplier falls below a half after 23 steps: the weights after steps 24, 26, 28 and 30
    for name, found in final.items():
        mean = torch.stack([live[step - 1][name] for step in (24, 26, 28, 30)]).double().mean(dim=0)
        torch.testing.assert_close(found.double(), mean, rtol=0, atol=1e-6)
