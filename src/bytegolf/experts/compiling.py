"""How the experts' loops are compiled: as `exact.arithmetic.compiled`, but without reference counts.

They allocate nothing and keep no array, and are many small functions that hand each other dozens of arrays: counting who holds each took
half of the time. Numba refuses to compile without counts what would need them.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def compiled(function: Function) -> Function:
    """Return a function that is compiled when it is first called."""
    return numba.njit(**OPTIONS)(function)
