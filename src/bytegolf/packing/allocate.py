"""Which class of weights gets how many bits, so that the file fills its budget and never exceeds it.

One number, the level, sets the bits of every class that the recipe leaves open; classes that repay precision stand a
fixed distance above it. The size of the file grows with the level, and `search` finds the largest that fits.
"""

from dataclasses import dataclass

from bytegolf.config import PackConfig
from bytegolf.model.weights import Bits
from bytegolf.names import MethodName


@dataclass(frozen=True)
class Allocation:
    """The bits of each class relative to the level, with the fewest and the most that a class may have."""

    above: Bits
    lowest: float
    highest: float

    @property
    def lowest_level(self) -> float:
        """Return the level at which every class has its fewest bits."""
        return self.lowest - max(self.above.values())

    @property
    def highest_level(self) -> float:
        """Return the level at which every class has its most bits."""
        return self.highest - min(self.above.values())

    def bits(self, config: PackConfig, level: float) -> Bits:
        """Return the bits per weight of each class at `level`: the recipe's own where it names them."""
        by_level = {kind: min(max(level + above, self.lowest), self.highest) for kind, above in self.above.items()}
        return {**by_level, **fixed_bits(config)}


# Below 1 bit a matrix on a grid rounds to nothing, above 12 the loss is that of float16. The tied embedding is also the head,
# and rows of hash tables are seldom read: measured by benchmarks/precision.py.
GRIDS = Allocation({"mlp": 0.0, "attention": 0.0, "embedding": 1.5, "table": -0.5, "projection": 0.0}, 1.0, 12.0)
# What method rate gives the classes of trained models, by their curvature. It sets spacings itself: this is for plans.
TRELLISES = Allocation({"mlp": 0.0, "attention": 0.7, "embedding": 1.5, "table": 1.3, "projection": 2.3}, 0.5, 14.0)


# Method baseline is not here: its bits are fixed.
ALLOCATIONS: dict[MethodName, Allocation] = {"rate": TRELLISES, "gptq": GRIDS}


def fixed_bits(config: PackConfig) -> Bits:
    """Return the bits per weight of the classes to which the recipe itself gives them."""
    asked: Bits = {
        "mlp": config.mlp_bits,
        "attention": config.attention_bits,
        "embedding": config.embedding_bits,
        "table": config.table_bits,
        "projection": config.table_bits,
    }
    return {kind: bits for kind, bits in asked.items() if bits}
