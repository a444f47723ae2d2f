"""How loops over numbers are compiled by numba, and kept compiled beside their sources.

Nothing is reordered and no two operations are fused (`fastmath` is off), so that results are the same bits on every machine.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba

Compilable = TypeVar("Compilable", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
WITHOUT_COUNTS: dict[str, Any] = {**OPTIONS, "_nrt": False}


def compiled(function: Compilable) -> Compilable:
    """Return a function that is compiled when it is first called."""
    return numba.njit(**OPTIONS)(function)


def compiled_without_counts(function: Compilable) -> Compilable:
    """Return a compiled function that counts no references.

    Many small functions that hand each other dozens of arrays spend half of their time on counting. Numba refuses to compile
    without it what allocates or keeps an array.
    """
    return numba.njit(**WITHOUT_COUNTS)(function)


def forget_other_sources(package: Path) -> None:
    """Delete what was compiled of other sources of a package than there are now.

    Numba looks at the file that a function stands in, and not at those of the functions that were compiled into it.
    """
    sources = sorted((str(path.relative_to(package)), path.stat()) for path in package.rglob("*.py"))
    now = "\n".join(f"{name} {status.st_mtime_ns} {status.st_size}" for name, status in sources)
    stamp = package / "__pycache__" / "sources.stamp"
    with suppress(OSError):  # a folder that cannot be written to holds nothing compiled by this user
        if stamp.exists() and stamp.read_text("utf-8") == now:
            return
        for kept in package.rglob("__pycache__/*.nb[ci]"):
            kept.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(now, "utf-8")


forget_other_sources(Path(__file__).parent)
