"""Spread items of work over processes, of this machine or of a Ray cluster, and get the results in the order of the items.

All ways are functions of one shape, so that who has work to spread does not care where it is done. Few items are under way
at a time: those to come are taken from their iterator only when there is room, so that memory stays bounded.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from bytegolf.errors import InputError, ParameterError
from bytegolf.names import PlaceName
from bytegolf.runtime.interruption import end_with_parent, uninterrupted
from bytegolf.runtime.ray_cluster import on_cluster

Item = TypeVar("Item")
Done = TypeVar("Done")

AHEAD = 3  # items under way for each worker: it begins the next one while its last result is looked at


class InOrder(Protocol):
    """Applies a function of a module to items and yields the results in order. An error in a worker is raised here."""

    def __call__(self, function: Callable[[Item], Done], items: Iterable[Item], /) -> Iterator[Done]:
        """Yield `function(item)` for every item."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers(count: int, on: PlaceName | None = None) -> AbstractContextManager[InOrder]:
    """Provide `count` workers for a block: processes of this machine, or cores of a Ray cluster; 0 is all there are.

    One worker of this machine is this process itself, which also does what is only one item. Raises ParameterError for a
    number below 0, and if there is no such cluster.
    """
    if count < 0:
        raise ParameterError("workers", f"expected a number of processes, or 0 for all cores, found {count}")
    if on == "ray":
        return _on_ray(count)
    count = count or usable_cores()
    return nullcontext(map) if count == 1 else _processes(count)


@contextmanager
def _processes(count: int) -> Iterator[InOrder]:
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=end_with_parent)
    try:
        yield partial(_unless_one, partial(_in_order, partial(_submit, pool), _finished, AHEAD * count))
    finally:
        pool.shutdown(cancel_futures=True)  # waits for the items that processes are at, and for no others


@contextmanager
def _on_ray(count: int) -> Iterator[InOrder]:
    with on_cluster() as cluster:
        yield partial(_in_order, cluster.submit, cluster.result, AHEAD * (count or cluster.cores))


def _unless_one(in_order: InOrder, function: Callable[[Item], Done], items: Iterable[Item], /) -> Iterator[Done]:
    """Yield `function(item)` of every item, in order, without starting a process for an only one."""
    left = iter(items)
    first = list(islice(left, 2))
    yield from in_order(function, chain(first, left)) if len(first) > 1 else map(function, first)


def _in_order(
    submit: Callable[[Callable[[Item], Done], Item], Any],
    result: Callable[[Item, Any], Done],
    most: int,
    function: Callable[[Item], Done],
    items: Iterable[Item],
    /,
) -> Iterator[Done]:
    """Yield `function(item)` of every item, with at most `most` of them under way."""
    under_way: deque[tuple[Item, Any]] = deque()
    for item in items:
        under_way.append((item, submit(function, item)))
        if len(under_way) == most:
            yield result(*under_way.popleft())
    while under_way:
        yield result(*under_way.popleft())


def _submit(pool: ProcessPoolExecutor, function: Callable[[Item], Done], item: Item) -> "Future[Done]":
    """Hand an item to the pool. A process that this starts never gets the terminal's Ctrl-C: its parent ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited by what is started
    try:
        with uninterrupted():
            return pool.submit(function, item)
    except BrokenProcessPool:
        raise _lost(item) from None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _finished(item: Item, future: "Future[Done]") -> Done:
    try:
        return future.result()
    except BrokenProcessPool:
        raise _lost(item) from None


def _lost(item: object) -> InputError:
    advice = "with too little memory try fewer workers; a script has to start them under if __name__ == '__main__'"
    return InputError(f"{item}: expected a process to finish this and what follows, found that it ended; {advice}")
