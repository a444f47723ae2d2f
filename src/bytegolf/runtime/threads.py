"""Tune OpenMP threads and malloc, so that training and scoring on a CPU run faster.

These settings affect the whole process, so only the command line applies them; a program that imports bytegolf may call
`tune_process` before it imports torch.
"""

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SPIN_COUNT = 10_000  # about ten microseconds
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # values from glibc's malloc.h


def tune_process() -> None:
    """Make threads spin briefly before they sleep, and keep freed memory. Call it before torch is loaded.

    A training step consists of thousands of small operations. Threads that sleep at once between them cost a fifth of a
    step; threads that keep spinning slow it many times over as soon as anything else wants their core. Large tensors that
    malloc maps and unmaps are zeroed page by page by the kernel each time, which costs a quarter of a step. `make bench`
    measures both.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", str(SPIN_COUNT))
    os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # what torch lacks on Apple's GPU is computed on the CPU
    if not re.fullmatch(r"0*[1-9]\d*", os.environ.get("NUMBA_NUM_THREADS", "1")):
        del os.environ["NUMBA_NUM_THREADS"]  # numba would not load; OpenMP takes no notice of a number that is none
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "gnu_get_libc_version"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)  # never give memory back


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Let torch compute each operation on `count` threads inside the block; on one, results are always the same bits.

    Small models gain nothing from several threads, and lose much where other programs want the cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
