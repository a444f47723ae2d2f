"""What could leave the 53 bits of float64 is refused; all that a recipe can describe fits."""

import pytest

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.exact.bounds import fixed_unit, require_bounded, require_exact_sums, require_positions


def test_the_largest_model_of_a_recipe_fits() -> None:
    largest = {"model_dim": 16_384, "mlp_mult": 64.0, "num_heads": 1, "num_kv_heads": 1, "vocab_size": 65_536}
    require_exact_sums(ModelConfig.model_validate({**largest, "bigram_size": 2, "bigram_dim": 16_384}))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"model_dim": 1 << 16, "mlp_mult": 256.0}, "a matrix product"),
        ({"model_dim": 1 << 16, "num_heads": 1 << 10}, "the squares of a state"),
        ({"vocab_size": 1 << 23}, "all probabilities"),
    ],
)
def test_refuses_what_could_leave_them(changes: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=what):
        require_exact_sums(ModelConfig().model_copy(update=changes))


def test_refuses_more_positions() -> None:
    require_positions(32_768)
    with pytest.raises(InputError, match="at most 32768 tokens, found 32769"):
        require_positions(32_769)


@pytest.mark.parametrize("largest", [2.0**101, float("inf"), float("nan")])
def test_refuses_states_that_overflow(largest: float) -> None:
    with pytest.raises(InputError, match="let block 3 reach"):
        require_bounded(largest, "block 3")


@pytest.mark.parametrize("largest", [1e-20, 0.3, 1.0, 5.6, 1e10])
def test_a_fixed_unit_leaves_18_bits(largest: float) -> None:
    assert 2**17 <= largest / fixed_unit(largest) < 2**18
