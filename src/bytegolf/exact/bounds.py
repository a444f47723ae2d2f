"""How many bits everything is rounded to, and the proof for a model that no sum of integers leaves float64's 53.

A sum of n products of integers of a and b bits is at most 2^(a + b) n. The widths below keep that at 2^53 or less in every
model that a recipe can describe; `require_exact_sums` looks all the same, for the proof is in the looking.
"""

import math

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError

ROW_BITS = 15  # rows of activations and of matrices, which are multiplied
NORM_BITS = 19  # rows of which only squares or a component are summed
FIXED_BITS = 18  # keys and values, which have one unit for all positions
SHARE_BITS = 20  # the share of a position in attention, relative to the largest
PROBABILITY_BITS = 30  # of a token, relative to the likeliest
EXACT_BITS = 53  # of a float64
MAX_POSITIONS = 1 << (EXACT_BITS - SHARE_BITS - FIXED_BITS)  # in sight of one
LARGEST = 2.0**100  # of a state, so that its square is far from overflow


def require_exact_sums(config: ModelConfig) -> None:
    """Raise InputError for a model whose sums could need more than 53 bits."""
    widest = max(config.model_dim, config.mlp_dim, config.bigram_dim, config.trigram_dim, config.value_embed_dim)
    sums = {
        "a matrix product": (2 * ROW_BITS, widest),
        "the squares of a state": (2 * NORM_BITS, config.model_dim),
        "an attention score": (ROW_BITS + FIXED_BITS, config.head_dim),
        "a head's component along its own value": (NORM_BITS + FIXED_BITS, config.head_dim),
        "all probabilities": (PROBABILITY_BITS + 1, config.vocab_size),
    }
    for what, (bits, terms) in sums.items():
        if terms << bits > 1 << EXACT_BITS:
            raise InputError(
                f"model: expected sums that float64 holds exactly, found {what}: {terms} terms of {bits} bits are more than 53"
            )


def require_positions(positions: int) -> None:
    """Raise InputError for more positions in sight than attention sums exactly."""
    if positions > MAX_POSITIONS:
        raise InputError(f"window: expected at most {MAX_POSITIONS} tokens, found {positions}; exact attention holds no more")


def require_bounded(largest: float, where: str) -> None:
    """Raise InputError if a state could be so large that its square overflows; NaN too."""
    if not largest <= LARGEST:
        raise InputError(f"model: expected states below 2^100, found weights that let {where} reach {largest:.3g}")


def fixed_unit(largest: float) -> float:
    """Return the power of two that makes integers of FIXED_BITS of numbers up to `largest`."""
    return math.ldexp(1.0, math.frexp(max(largest, 1.0 / LARGEST))[1] - FIXED_BITS)
