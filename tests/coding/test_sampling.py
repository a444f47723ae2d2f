"""Drawing tokens: what temperature, top-k and top-p leave, how often each is drawn, and the same draws everywhere."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.coding.sampling import Dice, Sampling
from bytegolf.errors import ParameterError
from bytegolf.exact.output import TOTAL, Frequencies, parts_of_total


def distribution(weights: list[int]) -> Frequencies:
    return parts_of_total(np.array(weights, np.int64))


DISTRIBUTIONS = st.lists(st.integers(0, 1 << 30), min_size=2, max_size=40).filter(any).map(distribution)
SKEWED = distribution([1, 50, 8, 50, 0, 3])


@given(DISTRIBUTIONS)
def test_by_default_a_token_is_drawn_as_often_as_it_is_likely(frequencies: Frequencies) -> None:
    assert Sampling().shares(frequencies).tolist() == [frequency - 1 for frequency in frequencies.tolist()]


@given(DISTRIBUTIONS, st.floats(0.05, 20.0).filter(lambda temperature: temperature != 1.0))
def test_temperature_is_a_power(frequencies: Frequencies, temperature: float) -> None:
    likely = [frequency - 1 for frequency in frequencies.tolist()]
    expected = [TOTAL * (share / max(likely)) ** (1 / temperature) if share else 0 for share in likely]
    np.testing.assert_allclose(Sampling(temperature).shares(frequencies), expected, rtol=1e-9, atol=0.5000001)


@pytest.mark.parametrize(("temperature", "drawn"), [(5e-324, [1, 3]), (1e-300, [1, 3]), (1e300, [0, 1, 2, 3, 5])])
def test_extreme_temperatures(temperature: float, drawn: list[int]) -> None:
    assert Sampling(temperature).shares(SKEWED).tolist() == [TOTAL if token in drawn else 0 for token in range(6)]


def test_temperature_0_takes_the_first_of_the_likeliest() -> None:
    assert Sampling(0.0, top_k=3, top_p=0.5).shares(SKEWED).tolist() == [0, 1, 0, 0, 0, 0]


def test_a_token_that_no_probability_speaks_for_is_never_drawn() -> None:
    assert SKEWED[4] == 1, "coding needs a part for it"
    for sampling in (Sampling(), Sampling(100.0), Sampling(top_k=6)):
        assert sampling.shares(SKEWED)[4] == 0


@given(DISTRIBUTIONS, st.integers(1, 50), st.floats(0.01, 1.0), st.sampled_from([0.5, 1.0, 3.0]))
def test_top_k_and_top_p_leave_the_likeliest(frequencies: Frequencies, top_k: int, top_p: float, temperature: float) -> None:
    """The smallest set that has its share of what top-k has left, found one token at a time."""
    shares = Sampling(temperature).shares(frequencies).tolist()
    ranked = sorted(range(len(shares)), key=lambda token: (-shares[token], token))[:top_k]
    wanted, so_far, kept = top_p * sum(shares[token] for token in ranked), 0, set()
    for token in ranked:
        kept.add(token)
        so_far += shares[token]
        if so_far >= wanted:
            break
    expected = [share if token in kept else 0 for token, share in enumerate(shares)]
    assert Sampling(temperature, top_k, top_p).shares(frequencies).tolist() == expected


def test_draws_are_as_frequent_as_shares() -> None:
    shares, draws = Sampling().shares(SKEWED), 20_000
    dice = Dice(1)
    counts = np.bincount([dice.draw(shares) for _ in range(draws)], minlength=len(shares))
    expected = draws * shares / shares.sum()
    assert counts[4] == 0
    for count, mean in zip(counts[expected > 0], expected[expected > 0], strict=True):
        assert abs(count - mean) < 5 * math.sqrt(mean)


def test_the_same_seed_draws_the_same_on_every_machine() -> None:
    """Figures of PCG64 and of exact powers: another library or processor that found others would tell other stories."""
    dice, shares = Dice(1), Sampling(0.7, 40, 0.95).shares(distribution([token * token for token in range(1, 60)]))
    assert [dice.draw(shares) for _ in range(12)] == DRAWN


DRAWN = [50, 58, 38, 58, 44, 48, 56, 47, 51, 30, 55, 50]


@pytest.mark.parametrize(
    ("name", "values"),
    {"temperature": [-0.1, math.nan, math.inf], "top_k": [-1], "top_p": [0.0, -0.5, 1.1, math.nan]}.items(),
)
def test_refuses_numbers_out_of_range(name: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(ParameterError, match=f"^{name}: expected .*found {value}"):
            Sampling(**{name: value})


@pytest.mark.parametrize("seed", [-1, 1 << 63])
def test_refuses_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(ParameterError, match=f"^seed: .*found {seed}"):
        Dice(seed)
