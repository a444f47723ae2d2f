"""Handle Ctrl-C, SIGTERM and SIGHUP so that a run stops between two steps, and let no child process outlive its parent."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from types import FrameType


@contextmanager
def interruption(*, insist: bool = True) -> Iterator[Callable[[], bool]]:
    """Provide a function that tells whether Ctrl-C, SIGTERM or SIGHUP was received, to be called between steps.

    With `insist`, a second Ctrl-C raises KeyboardInterrupt at once. Runs of several processes must turn it off: torchrun
    passes a Ctrl-C on to processes that already received it from the terminal.
    """
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if insist and received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():  # Python delivers signals to the main thread alone
        yield lambda: False
        return
    hangs_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # as nohup sets it
    numbers = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hangs_up else ()))
    previous = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP wait for the end of a block, where they raise KeyboardInterrupt.

    A process whose start is cut off half-way prints a traceback of its own.
    """
    with interruption(insist=False) as interrupted:
        yield
    if interrupted():
        raise KeyboardInterrupt


def end_with_parent() -> None:
    """Let this process, which `multiprocessing` started, end as soon as its parent is gone, however that ended."""

    def follow() -> None:
        if parent := parent_process():
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
