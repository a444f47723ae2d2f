"""A run that was stopped, at whatever instant, goes on as if nothing had happened."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.model.weights import Weights
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.shards import TokenStream
from bytegolf.training import checkpoint
from support.runs import FINGERPRINT, AtEvent, Killed, Stopwatch, constant, equal, events, fit, kill, micro, new_trainer, untimed

Ended = tuple[Weights, list[dict[str, Any]]]  # final weights and log of a run
VARIANTS: dict[str, tuple[str, ...]] = {
    "ema and late qat": (),
    "swa": ("average.ema_decay=0.0", "average.swa_below=1.0", "average.swa_every=2", "qat.start=0.3"),
    "neither": ("average.ema_decay=0.0", "qat.start=1.0"),
    "many epochs, accumulated": ("train.batch_tokens=1024", "train.micro_batch_tokens=256"),
    "validating": ("train.validate_every=3", "train.log_every=4"),
}


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, stream: TokenStream) -> dict[str, Ended]:
    """Final weights and log of runs that nobody stopped."""
    runs = {}
    for variant, overrides in VARIANTS.items():
        root = tmp_path_factory.mktemp("whole")
        runs[variant] = fit(root, stream, *overrides), untimed(root)
    return runs


def require_as_whole(root: Path, weights: Weights, expected: Ended) -> None:
    assert untimed(root) == expected[1]
    assert equal(weights, expected[0])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("event", [1, 7])
def test_terminated_then_resumed(
    tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent, variant: str, event: int
) -> None:
    overrides = VARIANTS[variant]
    at_event(event, terminate)
    with pytest.raises(InterruptedRunError, match=r"stopped at step \d+; resume it to continue"):
        fit(tmp_path, stream, *overrides)
    assert events(tmp_path, "done") == []
    require_as_whole(tmp_path, fit(tmp_path, stream, *overrides), whole[variant])


@pytest.mark.parametrize("stop", [terminate, interrupt])
@pytest.mark.parametrize("event", [10, 18, 19, 20, 30])  # a checkpoint's step, the last before QAT, its first, the last but one
def test_stopped_around_what_happens_once(
    tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent, event: int, stop: Callable[[], None]
) -> None:
    at_event(event, stop)
    with pytest.raises(InterruptedRunError):
        fit(tmp_path, stream)
    require_as_whole(tmp_path, fit(tmp_path, stream), whole["ema and late qat"])


def test_stopped_in_the_last_step(tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent) -> None:
    """All training is done, but the run was not validated: the resumed run still has to."""
    at_event(31, terminate)  # 30 steps and the beginning of QAT
    try:
        weights = fit(tmp_path, stream)
    except InterruptedRunError:
        weights = fit(tmp_path, stream)
    require_as_whole(tmp_path, weights, whole["ema and late qat"])


@pytest.mark.parametrize("event", [1, 9, 10, 11, 18, 19, 20, 25, 31, 32, 33])
def test_killed_then_resumed(tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent, event: int) -> None:
    """What was logged after the last checkpoint is cut, not repeated."""
    at_event(event, kill)
    with pytest.raises(Killed):
        fit(tmp_path, stream)
    require_as_whole(tmp_path, fit(tmp_path, stream), whole["ema and late qat"])


def test_killed_in_the_middle_of_a_line(tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent) -> None:
    at_event(15, kill)
    with pytest.raises(Killed):
        fit(tmp_path, stream)
    log = RunFolder(tmp_path).log
    os.truncate(log, log.stat().st_size - 20)
    require_as_whole(tmp_path, fit(tmp_path, stream), whole["ema and late qat"])


def test_a_log_that_was_lost_does_not_cost_the_run(tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent) -> None:
    """It is not needed to continue, and what is written after stays readable."""
    at_event(15, kill)
    with pytest.raises(Killed):
        fit(tmp_path, stream)
    RunFolder(tmp_path).log.unlink()
    assert equal(fit(tmp_path, stream), whole["ema and late qat"][0])
    assert untimed(tmp_path) == whole["ema and late qat"][1][10:]


@pytest.mark.parametrize("failing_save", [1, 2])
def test_a_disk_that_is_full_for_a_while(
    tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], monkeypatch: pytest.MonkeyPatch, failing_save: int
) -> None:
    saves = itertools.count(1)

    def full(tensors: dict[str, torch.Tensor], path: Path) -> None:
        if next(saves) == failing_save:
            raise OSError(28, "No space left on device")
        save_file(tensors, path)

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        fit(tmp_path, stream)
    assert len(list((tmp_path / "checkpoints").iterdir())) == failing_save - 1
    require_as_whole(tmp_path, fit(tmp_path, stream), whole["ema and late qat"])


def test_stopped_again_and_again(tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent) -> None:
    """Each attempt comes two events further: an interruption saves what was done."""
    for _ in range(40):
        at_event(2, terminate)
        try:
            weights = fit(tmp_path, stream)
        except InterruptedRunError:
            continue
        require_as_whole(tmp_path, weights, whole["ema and late qat"])
        return
    pytest.fail("no attempt went further than the one before")


def test_a_validation_that_is_interrupted_ends_first(tmp_path: Path, stream: TokenStream) -> None:
    """The flag is read between steps, so no validation is half done; with the one before it the run is whole."""
    expected = fit(tmp_path / "whole", stream, "train.validate_every=10"), untimed(tmp_path / "whole")
    validated: list[int] = []

    def interrupted_once(weights: Weights, limit_bytes: int) -> dict[str, float]:
        validated.append(1)
        if len(validated) == 1:
            terminate()
        return constant(weights, limit_bytes)

    with pytest.raises(InterruptedRunError, match=r"stopped at step 1[01];"):
        fit(tmp_path / "run", stream, "train.validate_every=10", validate=interrupted_once)
    assert [event["step"] for event in events(tmp_path / "run", "validate")] == [10]
    require_as_whole(tmp_path / "run", fit(tmp_path / "run", stream, "train.validate_every=10"), expected)


def test_the_damaged_newest_checkpoint_is_refused_and_the_one_before_it_does(
    tmp_path: Path, stream: TokenStream, whole: dict[str, Ended], at_event: AtEvent
) -> None:
    at_event(25, kill)
    with pytest.raises(Killed):
        fit(tmp_path, stream)
    newest = tmp_path / "checkpoints" / "step-00000020"
    os.truncate(newest / "tensors.safetensors", 1000)
    log = RunFolder(tmp_path).log.read_bytes()
    with pytest.raises(InputError, match="step-00000020: expected a checkpoint, found a damaged one"):
        fit(tmp_path, stream)
    assert RunFolder(tmp_path).log.read_bytes() == log
    for path in newest.iterdir():
        path.unlink()
    newest.rmdir()
    require_as_whole(tmp_path, fit(tmp_path, stream), whole["ema and late qat"])


@pytest.mark.parametrize("key", FINGERPRINT)
def test_other_data_or_another_tokenizer_is_refused(tmp_path: Path, stream: TokenStream, at_event: AtEvent, key: str) -> None:
    at_event(15, terminate)
    with pytest.raises(InterruptedRunError):
        fit(tmp_path, stream)
    log = RunFolder(tmp_path).log.read_bytes()
    with pytest.raises(InputError, match=f"expected the {key} the run began with, found another"):
        new_trainer(tmp_path, micro(), stream, {**FINGERPRINT, key: "another"}).fit(constant)
    assert RunFolder(tmp_path).log.read_bytes() == log


def test_a_timed_run_keeps_its_clock(tmp_path: Path, stream: TokenStream, at_event: AtEvent) -> None:
    """Seconds before the interruption count, those between do not."""
    timed = ("train.max_steps=0", "train.max_seconds=0.4", "qat.start=1.0")
    at_event(4, terminate)
    with pytest.raises(InterruptedRunError):
        fit(tmp_path, stream, *timed)
    before = new_trainer(tmp_path, micro(*timed), stream)
    before.resume()
    assert (before.clock.step, before.clock.seconds) == (4, events(tmp_path, "step")[-1]["seconds"])
    fit(tmp_path, stream, *timed)
    steps = events(tmp_path, "step")
    assert [event["step"] for event in steps] == list(range(1, len(steps) + 1))
    progress = [event["progress"] for event in steps]
    assert progress == sorted(progress) and progress[0] == 0 and progress[-1] < 1
    assert steps[-1]["seconds"] > before.clock.seconds


def test_speed_after_resuming_is_that_of_the_steps_since(
    tmp_path: Path, stream: TokenStream, at_event: AtEvent, stopwatch: Stopwatch
) -> None:
    at_event(4, terminate)
    slow = new_trainer(tmp_path, micro(), stream)
    loss = slow.learner.loss

    def slowly(sequences: torch.Tensor) -> torch.Tensor:
        stopwatch.now += 9
        return loss(sequences)

    slow.learner.loss = slowly  # type: ignore[method-assign]
    with pytest.raises(InterruptedRunError):
        slow.fit(constant)
    fit(tmp_path, stream)
    assert [event["tokens_per_second"] for event in events(tmp_path, "step")] == [25.6] * 4 + [256.0] * 26


def test_resuming_restores_every_part(tmp_path: Path, stream: TokenStream, at_event: AtEvent) -> None:
    at_event(22, terminate)
    stopped = new_trainer(tmp_path, micro("average.swa_below=1.0", "average.swa_every=1"), stream)
    with pytest.raises(InterruptedRunError):
        stopped.fit(constant)
    resumed = new_trainer(tmp_path, micro("average.swa_below=1.0", "average.swa_every=1"), stream)
    resumed.resume()
    assert (resumed.clock.step, resumed.clock.seconds) == (stopped.clock.step, stopped.clock.seconds)
    assert (resumed.position, resumed.learner.rounds_weights) == (stopped.position, True) and stopped.position == 8 * stopped.clock.step
    assert resumed.learner.averages.swa_count == stopped.learner.averages.swa_count == stopped.clock.step - 18
    assert equal(resumed.learner.weights, stopped.learner.weights)
    assert equal(resumed.learner.averages.ema, stopped.learner.averages.ema)
    assert equal(resumed.learner.averages.swa, stopped.learner.averages.swa)
    for name, optimizer in stopped.learner.optimizers.all.items():
        before, after = optimizer.state_dict()["state"], resumed.learner.optimizers.all[name].state_dict()["state"]
        assert {index: set(state) for index, state in before.items()} == {index: set(state) for index, state in after.items()}
        assert all(torch.equal(value, after[index][key]) for index, state in before.items() for key, value in state.items())


# --- signals


def test_signals_belong_to_the_loop_only_while_it_runs(tmp_path: Path, stream: TokenStream) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    during: list[object] = []

    def look(weights: Weights, limit_bytes: int) -> dict[str, float]:
        during.extend(signal.getsignal(number) for number in before)
        return constant(weights, limit_bytes)

    fit(tmp_path, stream, "train.max_steps=1", validate=look)
    assert {number: signal.getsignal(number) for number in before} == before
    assert not set(during) & set(before.values())
