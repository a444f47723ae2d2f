"""How the experts' loops are compiled: as `exact.arithmetic.compiled`, but without reference counts.

They allocate nothing and keep no array, and are made of many small functions that pass dozens of arrays on: counting who holds each took
half of the time. Numba refuses to compile here what would need the counts.
"""

import numba

compiled = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)
