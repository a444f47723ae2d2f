"""Signals are noted for the next step; only a second Ctrl-C ends at once. No child outlives its parent."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from bytegolf.runtime.interruption import interruption, uninterrupted
from support.runs import environment


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_second_interrupt_does_not_wait() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), interruption() as interrupted:
        assert not interrupted()
        interrupt()
        assert interrupted()
        interrupt()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_termination_waits_for_the_first() -> None:
    """Batch systems send several."""
    with interruption() as interrupted:
        terminate()
        terminate()
        assert interrupted()


def test_among_several_processes_a_second_interrupt_waits_too() -> None:
    """torchrun passes a Ctrl-C on to processes that already had it from the terminal."""
    with interruption(insist=False) as interrupted:
        interrupt()
        interrupt()
        assert interrupted()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_must_not_be_cut_off_is_done_first(number: int) -> None:
    done = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        done.append("all of it")
    assert done == ["all of it"]
    with uninterrupted():
        done.append("and nothing else")


def test_handlers_are_put_back_after_an_error() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(ValueError, match="a defect"), interruption():
        raise ValueError("a defect")
    assert {number: signal.getsignal(number) for number in before} == before


def test_another_thread_than_the_main_one_is_never_interrupted() -> None:
    """Python lets the main thread alone set handlers."""

    def handled() -> tuple[bool, bool]:
        before = signal.getsignal(signal.SIGTERM)
        with interruption() as interrupted:
            return interrupted(), signal.getsignal(signal.SIGTERM) is before

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handled).result() == (False, True)


def test_a_child_ends_with_its_parent() -> None:
    """Even where that is killed: what the child holds open, a pipe here, is closed soon after."""
    code = """
import time
from multiprocessing import get_context
from bytegolf.runtime.interruption import end_with_parent

def child():
    end_with_parent()
    print("begun", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    get_context("fork").Process(target=child).start()
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    process.kill()
    assert process.stdout.read() == b"", "an end of file, and not a wait of ten minutes"
    process.wait()
