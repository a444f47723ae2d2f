"""Workers give results in order, few items are under way, and errors and lost processes are told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.workers import InOrder, usable_cores, workers
from support.runs import environment, heed_signals


def slowest_first(number: int) -> tuple[int, int]:
    time.sleep(0.3 if number == 0 else 0.0)
    return number, os.getpid()


def refuse(number: int) -> int:
    if number == 3:
        raise InputError("a.txt: expected something else")
    return number


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def two() -> Iterator[InOrder]:
    with workers(2) as in_order:
        yield in_order


def test_results_come_in_the_order_of_the_items(two: InOrder) -> None:
    numbers, processes = zip(*two(slowest_first, range(20)), strict=True)
    assert numbers == tuple(range(20)) and len(set(processes)) == 2 and os.getpid() not in processes


def test_few_items_are_under_way(two: InOrder) -> None:
    items = iter(range(40))
    results = two(slowest_first, items)
    next(results)
    assert next(items) <= 8
    assert len(list(results)) == 38


def test_one_worker_and_one_item_need_no_process(two: InOrder) -> None:
    with workers(1) as alone:
        assert [process for _, process in alone(slowest_first, range(1, 3))] == [os.getpid()] * 2
    assert list(two(slowest_first, [1])) == [(1, os.getpid())] and list(two(slowest_first, [])) == []


def test_zero_is_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cores() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else usable_cores() >= 1
    with pytest.raises(ParameterError, match="workers: expected a number of processes, or 0 for all cores, found -1"):
        workers(-1)


def test_an_error_is_raised_where_the_results_are_read(two: InOrder) -> None:
    results = two(refuse, range(10))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"^a\.txt: expected something else$"):
        next(results)
    assert list(two(refuse, [1, 2])) == [1, 2]  # the others live on


def test_a_killed_worker_is_told_with_its_item() -> None:
    with (
        pytest.raises(InputError, match=r"^\d: expected a process to finish this .*, found that it ended; .* try fewer workers"),
        workers(2) as two,
    ):
        list(two(die, range(10)))


SCRIPT = """
import os, sys, time
from bytegolf.runtime.workers import workers
from runtime_worker import wait
if __name__ == "__main__":
    with workers(2) as two:
        for process in two(wait, range(100)):
            print(process, flush=True)
"""
WAIT = """
import os, time
def wait(number):
    time.sleep(0.2)
    return os.getpid()
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_an_interrupted_process(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "runtime_worker.py").write_text(WAIT)
    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    assert process.stdout is not None
    started = {int(process.stdout.readline()) for _ in range(4)}
    os.killpg(process.pid, number) if number == signal.SIGINT else process.kill()  # as a terminal sends Ctrl-C: to all
    _, err = process.communicate(timeout=30)
    assert err.count("Traceback") == (number == signal.SIGINT)  # of the process itself alone
    until = time.monotonic() + 10
    while any(Path(f"/proc/{worker}").exists() for worker in started) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [worker for worker in started if Path(f"/proc/{worker}").exists()]
