"""Compiled loops: the operations that are written, and no others."""

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from bytegolf.config import ExpertsConfig
from bytegolf.experts import experts

FUSED = ("vfmadd", "vfnmadd", "vfmsub", "vfnmsub", "fmla", "fmls", "fmadd", "fmsub")


def test_no_two_operations_are_fused() -> None:
    """A fused a·b + c is rounded once where two operations are rounded twice, and one processor in two has it."""
    mixing, rows = experts.Experts(ExpertsConfig(table_bits=4, history_bits=4), 9), np.ones((1, 9), np.int64)
    mixing.predict(rows)
    mixing.update(np.zeros(1, np.int64))
    mixing.score(rows[None], np.zeros((1, 1), np.int64))
    kernels = [value for value in vars(experts).values() if isinstance(value, Dispatcher) and value.py_func.__module__ == experts.__name__]
    assert len(kernels) == 3
    for kernel in kernels:
        afresh = numba.jit(**kernel.targetoptions)(kernel.py_func)  # code that comes from a cache shows no assembly
        afresh.compile(kernel.signatures[0])
        assembly = afresh.inspect_asm(kernel.signatures[0])
        assert "sqrt" in assembly or "divsd" in assembly or "fdiv" in assembly
        assert not [name for name in FUSED if name in assembly], kernel.py_func.__name__
