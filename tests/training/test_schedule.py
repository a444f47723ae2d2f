"""The one clock and what it drives."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.config import OptimConfig, QatConfig, TrainConfig
from bytegolf.training import schedule
from bytegolf.training.schedule import Clock, learning_rate_scale, muon_momentum, qat_due

SHARES = st.floats(0, 1)


class FakeTime:
    """A stopwatch that tests move by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(schedule, "time", SimpleNamespace(perf_counter=fake.perf_counter))
    return fake


def take_step(clock: Clock, time: FakeTime, seconds: float) -> None:
    with clock.running():
        time.now += seconds


# --- learning rate and momentum


@pytest.mark.parametrize(
    ("progress", "warmdown", "scale"),
    [
        (0.0, 0.5, 1.0), (0.25, 0.5, 1.0), (0.5, 0.5, 1.0), (0.75, 0.5, 0.5), (0.95, 0.5, 0.1), (1.0, 0.5, 0.0),
        (0.0, 1.0, 1.0), (0.25, 1.0, 0.75), (1.0, 1.0, 0.0),
        (0.0, 0.0, 1.0), (0.999, 0.0, 1.0),
        (0.75, 0.25, 1.0), (0.875, 0.25, 0.5),
    ],
)  # fmt: skip
def test_learning_rate_scale(progress: float, warmdown: float, scale: float) -> None:
    assert learning_rate_scale(7, progress, TrainConfig(warmdown=warmdown)) == pytest.approx(scale)


@given(progress=SHARES, later=SHARES, warmdown=SHARES)
def test_the_rate_stays_in_bounds_and_never_rises(progress: float, later: float, warmdown: float) -> None:
    config = TrainConfig(warmdown=warmdown)
    first, second = sorted((progress, later))
    assert 0 <= learning_rate_scale(1, second, config) <= learning_rate_scale(1, first, config) <= 1


def test_the_rate_has_no_jump() -> None:
    """A warm-down that follows a clock which stalls would fall from 0.64 to 0.45 in one step."""
    scales = [learning_rate_scale(step, step / 1000, TrainConfig(warmdown=0.3)) for step in range(1001)]
    assert max(abs(a - b) for a, b in pairwise(scales)) <= 1 / 300 + 1e-9


# --- a warm-down in steps


@given(steps=st.integers(1, 30_000), warmdown=st.integers(1, 40_000), data=st.data())
def test_a_warmdown_in_steps_is_that_of_the_baseline(steps: int, warmdown: int, data: st.DataObject) -> None:
    """The baseline's rule for a cap in steps: 1 until step `steps − warmdown`, then `(steps − step) / warmdown`."""
    step = data.draw(st.integers(0, steps))
    warmdown = min(warmdown, steps)  # a longer one would begin at a fraction of the rates
    expected = 1.0 if step <= steps - warmdown else (steps - step) / warmdown
    assert learning_rate_scale(step, step / steps, TrainConfig(warmdown_steps=warmdown)) == pytest.approx(expected, abs=1e-12)


@given(elapsed=st.floats(0, 600), step=st.integers(1, 20_000), warmdown=st.integers(1, 5000))
def test_a_warmdown_in_steps_under_a_clock_is_that_of_the_baseline(elapsed: float, step: int, warmdown: int) -> None:
    """The baseline's rule for a cap in seconds, where the warm-down fits in: 1 while more than `warmdown` steps are left at this pace."""
    cap, pace = 600.0, elapsed / step
    remaining = cap - elapsed
    expected = 1.0 if remaining > warmdown * pace else remaining / (warmdown * pace)
    found = learning_rate_scale(step, elapsed / cap, TrainConfig(warmdown_steps=warmdown))
    assert found == pytest.approx(expected if warmdown * pace <= cap else 1 - elapsed / cap, abs=1e-9)


@given(warmdown=st.integers(0, 40_000), share=SHARES, pace=st.floats(0.01, 10))
def test_every_run_starts_at_the_full_rate_and_ends_at_0(warmdown: int, share: float, pace: float) -> None:
    config = TrainConfig(warmdown_steps=warmdown, warmdown=share)
    assert learning_rate_scale(0, 0.0, config) == 1
    assert learning_rate_scale(int(600 / pace) + 1, 1.0, config) == (1 if warmdown == share == 0 else 0)


def test_a_short_run_has_the_shape_of_a_long_one() -> None:
    """300 steps of a warm-down of 3000 do not begin at 0.1."""
    scales = [learning_rate_scale(step, step / 300, TrainConfig(warmdown_steps=3000)) for step in range(300)]
    assert scales == pytest.approx([1 - step / 300 for step in range(300)])


def test_steps_replace_the_share() -> None:
    assert learning_rate_scale(50, 0.5, TrainConfig(warmdown=1.0, warmdown_steps=10)) == 1.0


# --- when training on the grid begins


@pytest.mark.parametrize(
    ("start", "below", "progress", "scale", "due"),
    [
        (1.0, 0.0, 1.0, 0.0, False),
        (0.0, 0.0, 0.0, 1.0, True),
        (0.65, 0.0, 0.649, 0.1, False), (0.65, 0.0, 0.65, 1.0, True),
        (1.0, 0.9, 0.99, 0.9, False), (1.0, 0.9, 0.01, 0.8999, True),
        (0.5, 0.5, 0.4, 0.4, True), (0.5, 0.5, 0.6, 0.6, True), (0.5, 0.5, 0.4, 0.6, False),
    ],
)  # fmt: skip
def test_fake_quantisation_begins_by_progress_or_by_the_rate(start: float, below: float, progress: float, scale: float, due: bool) -> None:
    assert qat_due(progress, scale, QatConfig(start=start, below_scale=below)) is due


@pytest.mark.parametrize(("step", "momentum"), [(0, 0.92), (75, 0.955), (149, 0.92 + 0.07 * 149 / 150), (150, 0.99), (10_000, 0.99)])
def test_muon_momentum(step: int, momentum: float) -> None:
    assert muon_momentum(step, OptimConfig(momentum_warmup_steps=150)) == pytest.approx(momentum)


def test_momentum_without_a_warm_up() -> None:
    assert muon_momentum(0, OptimConfig(momentum_warmup_steps=0)) == 0.99


# --- the clock


def test_a_clock_of_steps(time: FakeTime) -> None:
    clock = Clock.of(TrainConfig(max_steps=4))
    seen = []
    while not clock.done:
        seen.append(clock.progress)
        take_step(clock, time, 1e6)
    assert seen == [0.0, 0.25, 0.5, 0.75]
    assert (clock.step, clock.progress) == (4, 1.0)


def test_a_clock_of_seconds(time: FakeTime) -> None:
    clock = Clock.of(TrainConfig(max_steps=0, max_seconds=10.0))
    seen = []
    while not clock.done:
        seen.append(clock.progress)
        take_step(clock, time, 2.5)
    assert seen == [0.0, 0.25, 0.5, 0.75]
    assert (clock.step, clock.seconds, clock.progress) == (4, 10.0, 1.0)


@pytest.mark.parametrize(("seconds_per_step", "steps"), [(0.5, 8), (1.0, 8), (2.0, 5), (5.0, 2)])
def test_of_two_caps_the_nearer_one_counts(time: FakeTime, seconds_per_step: float, steps: int) -> None:
    clock = Clock.of(TrainConfig(max_steps=8, max_seconds=10.0))
    while not clock.done:
        assert clock.progress == pytest.approx(max(clock.step / 8, clock.step * seconds_per_step / 10))
        take_step(clock, time, seconds_per_step)
    assert clock.step == steps


@given(cap=st.floats(0.1, 1e4), duration=st.floats(0.001, 100))
def test_a_timed_run_ends_within_half_a_step_of_its_cap(cap: float, duration: float) -> None:
    duration = max(duration, cap / 500)
    clock = Clock(max_steps=0, max_seconds=cap)
    while not clock.done:
        clock.step, clock.seconds = clock.step + 1, (clock.step + 1) * duration
    slack = 0.5 * duration * (1 + 1e-9)
    assert clock.seconds >= cap - slack
    assert clock.seconds <= cap + slack or clock.step == 1, "one step is taken, however long"


@given(durations=st.lists(st.floats(0, 5), min_size=1, max_size=60), steps=st.integers(0, 40), seconds=st.floats(0, 50))
def test_progress_stays_in_bounds_and_never_falls(durations: list[float], steps: int, seconds: float) -> None:
    clock = Clock(max_steps=steps, max_seconds=seconds)
    before = clock.progress
    for duration in durations:
        clock.step, clock.seconds = clock.step + 1, clock.seconds + duration
        assert 0 <= before <= clock.progress <= 1
        before = clock.progress


def test_time_outside_steps_is_free(time: FakeTime) -> None:
    """If a stall to compile counted, the learning rate would fall at once."""
    clock = Clock.of(TrainConfig(max_steps=0, max_seconds=100.0))
    for _ in range(3):
        time.now += 1e6  # compiling, validating
        take_step(clock, time, 2.0)
    assert (clock.step, clock.seconds) == (3, 6.0)


def test_a_step_that_fails_is_not_counted(time: FakeTime) -> None:
    clock = Clock.of(TrainConfig(max_steps=4))
    with pytest.raises(ZeroDivisionError), clock.running():
        raise ZeroDivisionError
    assert (clock.step, clock.seconds) == (0, 0.0)
