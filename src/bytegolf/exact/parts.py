"""Work that is done in parts side by side. No part writes what another one reads, so nothing depends on how many there are."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

WORTHWHILE = 1 << 21  # multiplications in all below which threads take longer to wake than to work


def in_parts(run: Callable[[tuple[int, int]], None], items: int, work: int) -> None:
    """Call run((first, stop)) for parts of the items, each of which takes about `work` multiplications. It must not hold the GIL."""
    parts = min(items, _processors()) if items * work >= WORTHWHILE else 1
    bounds = [items * part // parts for part in range(parts + 1)]
    others = [_pool().submit(run, part) for part in pairwise(bounds[1:])]
    run((0, bounds[1]))
    for other in others:
        other.result()


@cache
def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_processors(), thread_name_prefix="exact")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a child has none of its parent's threads
