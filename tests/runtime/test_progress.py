"""Progress goes to stderr: plain lines, or a bar on a terminal."""

import io
import sys
from types import SimpleNamespace

import pytest

from bytegolf.runtime import progress as module
from bytegolf.runtime.background import BackgroundCall
from bytegolf.runtime.progress import Progress, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Time that tests set by hand."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_a_line_at_the_start_and_one_at_the_end(capsys: pytest.CaptureFixture[str], time: SimpleNamespace) -> None:
    with Progress("train", total=2000, unit="steps") as progress:
        for _ in range(3):
            progress.advance(note="loss 2.1")
        time.now = 3.0
    assert capsys.readouterr() == ("", "train: 0/2,000 steps\ntrain: done in 3.0 s, loss 2.1\n")


def test_long_work_speaks_every_ten_seconds(capsys: pytest.CaptureFixture[str], time: SimpleNamespace) -> None:
    with Progress("train", total=100, unit="steps") as progress:
        for second in range(1, 26):
            time.now = float(second)
            progress.advance(2, note=f"loss {second}")
        lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "train: 0/100 steps",
        "train: 20/100 steps, 2.0 steps/s, 40 s left, loss 10",
        "train: 40/100 steps, 2.0 steps/s, 30 s left, loss 20",
    ]


def test_work_that_goes_on_is_as_fast_as_it_is_now(capsys: pytest.CaptureFixture[str], time: SimpleNamespace) -> None:
    """What an earlier attempt did is done, and no part of the rate."""
    with Progress("train", total=100, unit="steps", done=60) as progress:
        time.now = 10.0
        progress.advance(20)
    assert capsys.readouterr().err.splitlines()[:2] == ["train: 60/100 steps", "train: 80/100 steps, 2.0 steps/s, 10 s left"]


def test_work_of_unknown_length(capsys: pytest.CaptureFixture[str], time: SimpleNamespace) -> None:
    with Progress("pack", total=None, unit="tries") as progress:
        time.now = 10.0
        progress.advance(3, note="900 bytes")
    assert capsys.readouterr().err.splitlines() == [
        "pack: begins",
        "pack: 3 tries, 0.3 tries/s, 900 bytes",
        "pack: done in 10.0 s, 900 bytes",
    ]


def test_an_error_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), Progress("train", total=1, unit="steps"):
        raise ZeroDivisionError
    assert "done" not in capsys.readouterr().err


@pytest.mark.parametrize(("total", "unit", "shown"), [(10, "steps", "steps/s"), (10, "s", "100%"), (None, "tries", "tries/s")])
def test_a_bar_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], total: float | None, unit: str, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "xterm")
    with Progress("train", total, unit) as progress:
        progress.advance(4)
        progress.advance(6, note="loss 2.1")
    written = terminal.getvalue()
    assert "train" in written and shown in written and "loss 2.1" in written
    assert (unit == "s") == ("s/s" not in written), "seconds of seconds need no rate"
    assert capsys.readouterr().out == ""


def test_bars_nest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation has a bar of its own inside that of training."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Progress("train", 10, "steps") as outer:
        outer.advance()
        with Progress("score", 10, "tokens") as inner:
            inner.advance()
        outer.advance()


def test_say_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("words")
    assert capsys.readouterr() == ("", "words\n")


def test_work_beside_that_of_the_main_thread_prints_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two bars at once would write over each other."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def beside() -> None:
        with Progress("pack", total=4, unit="tries") as other:
            other.advance(4)

    with Progress("prove", total=10, unit="tokens") as progress:
        progress.advance(5)
        BackgroundCall(beside).result()
        progress.advance(5)
    shown = terminal.getvalue()
    assert "pack: 0/4 tries\n" in shown and "pack: done in" in shown
    assert "prove" in shown and "prove: 0/10" not in shown
