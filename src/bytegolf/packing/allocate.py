"""Which class of weight gets how many bits, so that the file fills its budget and never exceeds it.

One number, the level, sets the bits of every class the recipe leaves open; classes that repay precision stand a
fixed distance above it. The size of the file grows with the level, so the largest level that fits is the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bytegolf.config import PackConfig
from bytegolf.model.weights import Bits


@dataclass(frozen=True)
class Allocation:
    """How far above the level the bits of each class stand, and what they are never below or above."""

    above: Bits
    lowest: float
    highest: float

    @property
    def lowest_level(self) -> float:
        """At which every class has its lowest bits."""
        return self.lowest - max(self.above.values())

    @property
    def highest_level(self) -> float:
        return self.highest - min(self.above.values())

    def bits(self, config: PackConfig, level: float) -> Bits:
        """Of each class: the recipe's own where it names them."""
        by_level = {kind: min(max(level + above, self.lowest), self.highest) for kind, above in self.above.items()}
        return {**by_level, **fixed_bits(config)}


# Below 1 bit a matrix on a grid rounds to nothing, above 12 the loss is that of float16. The tied embedding is also the head,
# and rows of hash tables are seldom read: measured by benchmarks/precision.py.
GRIDS = Allocation({"mlp": 0.0, "attention": 0.0, "embedding": 1.5, "table": -0.5, "projection": 0.0}, 1.0, 12.0)
# What curvature makes of trained models, as benchmarks/packing_curve.py shows.
TRELLISES = Allocation({"mlp": 0.0, "attention": 0.7, "embedding": 1.5, "table": 1.3, "projection": 2.3}, 0.5, 14.0)

CLOSE_ENOUGH = 64  # bytes
NUDGE, SAME_LEVEL = 1e-3, 1e-6  # bits
FIRST_GUESS, MOST_ATTEMPTS = 4.0, 40


class BudgetTooSmallError(Exception):
    """Not even the lowest level fits."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"the smallest possible size is {smallest:,} bytes")
        self.smallest = smallest


def fixed_bits(config: PackConfig) -> Bits:
    """Of the classes that the recipe itself gives bits."""
    asked: Bits = {
        "mlp": config.mlp_bits,
        "attention": config.attention_bits,
        "embedding": config.embedding_bits,
        "table": config.table_bits,
        "projection": config.table_bits,
    }
    return {kind: bits for kind, bits in asked.items() if bits}


def highest_level(size_at: Callable[[float], int], limit: int, lowest: float, highest: float) -> float:
    """The highest level from `lowest` to `highest` whose size is at most `limit`, to within a few bytes.

    Size is nearly linear in the level, so each guess interpolates; now and then one bisects.
    Raises BudgetTooSmallError if even the lowest level is too large.
    """
    close_enough = max(CLOSE_ENOUGH, limit // 10_000)
    low, high = None, None  # the highest level known to fit and the lowest known not to, with their sizes
    level = min(max(FIRST_GUESS, lowest), highest)
    for attempt in range(MOST_ATTEMPTS):
        size = size_at(level)
        if size > limit:
            high = level, size
            if level == lowest:
                raise BudgetTooSmallError(size)
        else:
            low = level, size
            if limit - size <= close_enough or level == highest:
                break
        if low and high:
            if high[0] - low[0] < SAME_LEVEL:
                break
            share = (limit - close_enough / 2 - low[1]) / (high[1] - low[1]) if attempt % 3 < 2 else 0.5
            level = low[0] + (high[0] - low[0]) * min(max(share, 0.02), 0.98)
        elif low:
            level = min(level * limit / max(size, 1) + NUDGE, highest) if attempt < 4 else highest
        else:
            level = max(level * limit / size - NUDGE, lowest) if attempt < 4 else lowest
    assert low is not None  # from the fifth attempt on the ends are tried
    return low[0]
