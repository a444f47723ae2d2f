"""Work that goes on beside other work, in a thread that ends with the process: an interruption does not wait for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class BackgroundCall(Generic[Answer]):
    """A call that has begun, most of which runs without the GIL."""

    def __init__(self, call: Callable[[], Answer]) -> None:
        self._future: Future[Answer] = Future()
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def result(self) -> Answer:
        """Wait for the call's end, and return what it returned or raise what it raised."""
        return self._future.result()

    def _run(self, call: Callable[[], Answer]) -> None:
        try:
            self._future.set_result(call())
        except BaseException as error:  # whatever it is, the one who waits must be told
            self._future.set_exception(error)
