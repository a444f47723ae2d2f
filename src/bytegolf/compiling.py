"""How loops over numbers are compiled by numba, and kept compiled beside their sources.

Nothing is reordered and no two operations are fused (`fastmath` is off), so that results are the same bits on every machine.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

Compilable = TypeVar("Compilable", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
WITHOUT_COUNTS: dict[str, Any] = {**OPTIONS, "_nrt": False}
INSIDE: dict[str, Any] = {"no_cpython_wrapper": True}


def compiled(function: Compilable) -> Compilable:
    """Return a function that is compiled when it is first called."""
    return _kept(function, OPTIONS)


def compiled_without_counts(function: Compilable) -> Compilable:
    """Return a compiled function that counts no references.

    Small functions that hand each other arrays spend half of their time on counting, and more. Numba refuses to compile
    without it what allocates or keeps an array.
    """
    return _kept(function, WITHOUT_COUNTS)


def compiled_inside(function: Compilable) -> Compilable:
    """Return a compiled function that other compiled functions call, and Python cannot.

    To take dozens of arrays from Python is more code than most functions are, and takes longer to compile.
    """
    return _kept(function, OPTIONS | INSIDE)


def compiled_inside_without_counts(function: Compilable) -> Compilable:
    """Return a compiled function that others call, and that counts no references."""
    return _kept(function, WITHOUT_COUNTS | INSIDE)


def _kept(function: Compilable, options: dict[str, Any]) -> Compilable:
    dispatcher = numba.njit(**options)(function)
    dispatcher._cache = _LoadedFirst(function)
    return dispatcher


class _LoadedFirst(FunctionCache):
    """A cache that does not make numba ready to compile before it has looked: that takes longer than to load what is kept.

    What compiles makes numba ready itself.
    """

    def load_overload(self, sig: object, target_context: object) -> object:
        """Return what is kept for a signature, None if there is nothing."""
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


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
