"""Which class of weight gets how many bits, so that the file fills its budget and never exceeds it.

One number, the level, sets the bits of every class the recipe leaves open; classes that repay precision stand a
fixed distance above it. The size of the file grows with the level, so the largest level that fits is the answer.
"""

from collections.abc import Callable

from bytegolf.config import PackConfig
from bytegolf.model.gpt import WeightClass

Bits = dict[WeightClass, float]

LOWEST, HIGHEST = 1.0, 12.0  # bits; below 1 a matrix rounds to nothing, above 12 the loss is that of float16
# The tied embedding is also the head, and rows of hash tables are seldom read: measured by benchmarks/precision.py.
PREFERENCE: Bits = {"mlp": 0.0, "attention": 0.0, "embedding": 1.5, "table": -0.5, "projection": 0.0}
# Levels at which every class has reached its lowest or highest bits.
LOWEST_LEVEL, HIGHEST_LEVEL = LOWEST - max(PREFERENCE.values()), HIGHEST - min(PREFERENCE.values())


class BudgetTooSmallError(Exception):
    """Not even the lowest level fits."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"the smallest possible size is {smallest:,} bytes")
        self.smallest = smallest


def class_bits(config: PackConfig, level: float, preference: Bits = PREFERENCE) -> Bits:
    """Bits of each class at `level`: the recipe's own where it names them, else `preference` above the level."""
    fixed: Bits = {
        "mlp": config.mlp_bits,
        "attention": config.attention_bits,
        "embedding": config.embedding_bits,
        "table": config.table_bits,
        "projection": config.table_bits,
    }
    return {kind: fixed[kind] or min(max(level + above, LOWEST), HIGHEST) for kind, above in preference.items()}


def highest_level(size_at: Callable[[float], int], limit: int, low: float = LOWEST_LEVEL, high: float = HIGHEST_LEVEL) -> float:
    """The highest level from `low` to `high` whose size is at most `limit`, to within a few bytes.

    Size is nearly linear in the level, so each guess interpolates; a guess that would repeat an end bisects.
    Raises BudgetTooSmallError if even the lowest level is too large.
    """
    size_low, size_high = size_at(low), size_at(high)
    if size_low > limit:
        raise BudgetTooSmallError(size_low)
    if size_high <= limit:
        return high
    close_enough = max(64, limit // 10_000)
    for attempt in range(40):
        if limit - size_low <= close_enough or high - low < 1e-6:
            break
        share = (limit - size_low) / (size_high - size_low) if attempt % 3 < 2 else 0.5
        middle = low + (high - low) * min(max(share, 0.02), 0.98)
        size = size_at(middle)
        if size <= limit:
            low, size_low = middle, size
        else:
            high, size_high = middle, size
    return low
