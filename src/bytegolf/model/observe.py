"""Watching what a model's matrices read, while it computes as it always does.

Calibration needs the inputs of every matrix. A function that is given an `observe` callback tells it each input that it is
about to multiply, under the name of the place; without one nothing is computed or kept.
"""

from collections.abc import Callable

from torch import Tensor

Observe = Callable[[str, Tensor], None]  # the name of a place in the model, and (..., columns) what is read there


def under(place: str, observe: Observe | None) -> Observe | None:
    """Return a callback for the parts of `place`, whose names it prefixes; None where nobody watches."""
    return None if observe is None else lambda part, x: observe(f"{place}.{part}", x)
