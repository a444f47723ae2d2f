"""Work that is done in parts side by side. No part writes what another one reads, so nothing depends on how many there are."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

WORTHWHILE = 1 << 21  # multiplications in all below which threads take longer to wake than to work


def in_parts(run: Callable[[slice], object], items: int, work: int) -> None:
    """Call run for parts of the items, each of which takes about `work` multiplications, most of it without the GIL."""
    parts = min(items, _processors()) if items * work >= WORTHWHILE else 1
    slices = [slice(items * part // parts, items * (part + 1) // parts) for part in range(parts)]
    others = [_pool().submit(run, part) for part in slices[1:]]
    run(slices[0])
    for other in others:
        other.result()


@cache
def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_processors(), thread_name_prefix="exact")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of its parent's threads
