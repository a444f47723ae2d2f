"""The trellis is the published code, and integers stand for what a second decoder says."""

from hypothesis import given, settings

from bytegolf.arrays import Integers
from bytegolf.artifact.trellis_states import NEXT, half_spacings
from support import plain_trellis
from support.integer_matrices import matrices


def test_the_trellis_is_the_code_of_its_polynomials() -> None:
    """Systematic feedback, h0 = 13 and h1 = 04 octal: new_i = old_(i+1) xor h0_(i+1) z0 xor h1_(i+1) b, as published."""
    for state in range(8):
        for parity in range(2):
            bits = 0
            for i in range(3):
                older = state >> (i + 1) & 1 if i < 2 else 0
                bits |= (older ^ (0o13 >> (i + 1) & 1) * (state & 1) ^ (0o04 >> (i + 1) & 1) * parity) << i
            assert NEXT[state, parity] == bits == plain_trellis.NEXT[state][parity]


@given(matrix=matrices())
@settings(max_examples=60, deadline=None)
def test_half_spacings_of_a_second_decoder(matrix: Integers) -> None:
    assert half_spacings(matrix[None])[0].tolist() == plain_trellis.half_spacings(matrix.tolist())
