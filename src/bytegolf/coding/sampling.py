"""Drawing the next token, in integers: the same seed draws the same tokens on every machine.

V tokens in the vocabulary. Temperature, top-k and top-p apply in this order, each to what the one before has left, as elsewhere.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytegolf.compiling import compiled
from bytegolf.errors import ParameterError
from bytegolf.exact.arithmetic import exp, log, nearest_integer
from bytegolf.exact.bounds import PROBABILITY_BITS
from bytegolf.exact.output import Frequencies
from bytegolf.recipe_table import MAX_NUMBER

RANDOM_BITS = 64  # of a draw

TokenShares = NDArray[np.int64]  # of tokens, (V,), in proportion to how often each is drawn


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn. Temperature 0 takes the likeliest; `top_k` 0 and `top_p` 1 leave all tokens in.

    Raises ParameterError for numbers out of range.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            raise ParameterError("temperature", f"expected a number from 0 up, found {self.temperature}; 0 takes the likeliest token")
        if self.top_k < 0:
            raise ParameterError("top_k", f"expected a whole number from 0 up, found {self.top_k}; 0 leaves all tokens in")
        if not 0.0 < self.top_p <= 1.0:
            raise ParameterError("top_p", f"expected a number above 0 and up to 1, found {self.top_p}; 1 leaves all tokens in")

    def shares(self, frequencies_V: Frequencies) -> TokenShares:
        """Return the shares of tokens, given how likely each is."""
        shares = frequencies_V - 1  # every token has a part for coding's sake: one that has no other is not drawn
        if self.temperature == 0.0:
            likeliest = np.zeros_like(shares)
            likeliest[np.argmax(shares)] = 1
            return likeliest
        if self.temperature != 1.0:
            shares = _tempered(shares, int(shares.max()), self.temperature)
        if 0 < self.top_k < len(shares) or self.top_p < 1.0:
            shares = self._truncated(shares)
        return shares

    def _truncated(self, shares_V: TokenShares) -> TokenShares:
        """Return the shares of the likeliest tokens; of equals the first ones count as likelier."""
        order = np.argsort(-shares_V, kind="stable")[: self.top_k or None]
        sums = np.cumsum(shares_V[order])
        kept = order[: 1 + int(np.searchsorted(sums, self.top_p * float(sums[-1])))]
        truncated = np.zeros_like(shares_V)
        truncated[kept] = shares_V[kept]
        return truncated


class Dice:
    """A stream of random numbers that numpy promises never to change (PCG64)."""

    def __init__(self, seed: int) -> None:
        if not 0 <= seed <= MAX_NUMBER:
            raise ParameterError("seed", f"expected a whole number from 0 to 2^63 - 1, found {seed}")
        self.bits = np.random.PCG64(seed)

    def draw(self, shares_V: TokenShares) -> int:
        """Return a token, drawn in proportion to its share."""
        sums = np.cumsum(shares_V)
        point = int(self.bits.random_raw()) * int(sums[-1]) >> RANDOM_BITS
        return int(np.searchsorted(sums, point, side="right"))


@compiled
def _tempered(shares_V: TokenShares, top: int, temperature: float) -> TokenShares:
    """Return (share / top)^(1 / temperature) in parts of 2^PROBABILITY_BITS; what has no share gets none."""
    tempered = np.zeros_like(shares_V)
    for token in range(len(shares_V)):
        if shares_V[token] > 0:
            power = log(float(shares_V[token]) / float(top)) / temperature
            tempered[token] = nearest_integer(exp(power) * (1 << PROBABILITY_BITS))
    return tempered
