"""How this process waits, remembers and shares out work: settings of OpenMP and malloc that training and scoring on a CPU gain from.

They are the process's own affair, so only the command line sets them; a program that imports bytegolf may call
`tune_process` before it imports torch.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN_COUNT = 10_000  # about ten microseconds
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def tune_process() -> None:
    """Threads spin briefly before they sleep, and freed memory stays at hand. Call it before torch is loaded.

    Between the thousands of small operations of a step, threads that sleep at once cost a fifth of it, and threads
    that spin on slow it manifold as soon as anything else wants their core. Large tensors that malloc maps and unmaps
    are zeroed by the kernel page by page each time they are made: a quarter of a step. Both: `make bench`.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPIN_COUNT))
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)  # never give memory back


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """In here torch computes each operation on that many threads: on one, always to the same bits.

    Small models gain nothing from several, and lose much where others want the cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
