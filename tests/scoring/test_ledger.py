"""Every target once and in order, or the ledger says so."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bytegolf.scoring.ledger import Ledger, LedgerError, Score


def test_bits_add_up_in_float64() -> None:
    ledger = Ledger("standard", tokens=1_000_001, num_bytes=7)
    ledger.record(0, np.array([2.0**30]))
    ledger.record(1, np.full(1_000_000, 1 + 2.0**-20))  # which float32 would lose
    score = ledger.close()
    assert score.bits == 2.0**30 + 1_000_000 * (1 + 2.0**-20)
    assert (score.protocol, score.bytes, score.tokens) == ("standard", 7, 1_000_001)


def test_bits_of_the_model_are_added_up_beside_those_of_the_mixture() -> None:
    ledger = Ledger("standard", tokens=3, num_bytes=2)
    ledger.record(0, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    ledger.record(2, np.array([0.5]), np.array([1.0]))
    score = ledger.close()
    assert (score.bits, score.bits_model, score.bpb, score.bpb_model) == (3.5, 8.0, 1.75, 4.0)
    assert score.to_json()["bpb_model"] == 4.0


def test_bits_per_byte() -> None:
    score = Score("sliding", bits=30.0, bytes=8, tokens=5)
    assert score.bpb == 3.75
    assert score.to_json() == {
        "bpb": 3.75,
        "protocol": "sliding",
        "bits": 30.0,
        "bytes": 8,
        "tokens": 5,
        "exact": False,
        "normalised": False,
    }


@pytest.mark.parametrize("first", [0, 1, 2, 4, 100, -1])
def test_gaps_and_overlaps_are_refused(first: int) -> None:
    ledger = Ledger("sliding", tokens=10, num_bytes=10)
    ledger.record(0, np.ones(3))
    with pytest.raises(LedgerError, match=f"target {first} scored where 3 was due"):
        ledger.record(first, np.ones(2))


@pytest.mark.parametrize("scored", [0, 9, 11])
def test_a_wrong_number_of_targets_is_refused(scored: int) -> None:
    ledger = Ledger("sliding", tokens=10, num_bytes=10)
    ledger.record(0, np.ones(scored))
    with pytest.raises(LedgerError, match=f"{scored} targets scored of 10"):
        ledger.close()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, -1e-3, -5.0])
def test_bits_of_no_distribution_are_refused(wrong: float) -> None:
    """Also one among others: a token that costs less than nothing hides behind one that costs more."""
    for bits in ([wrong], [4.0, wrong, 2.0]):
        with pytest.raises(LedgerError, match="no distribution"):
            Ledger("standard", tokens=10, num_bytes=10).record(0, np.array(bits))


def test_certainty_costs_nothing() -> None:
    ledger = Ledger("standard", tokens=2, num_bytes=3)
    ledger.record(0, np.array([0.0, -0.0]))
    assert ledger.close().bits == 0


def test_normalised_text_gets_a_second_figure() -> None:
    """The headline is over the bytes that the tokens stand for; they are never more than the documents had."""
    plain = Score("standard", 120.0, 40, 30)
    assert plain.bpb_original is None and plain.to_json() == {
        "bpb": 3.0, "protocol": "standard", "bits": 120.0, "bytes": 40, "tokens": 30, "exact": False, "normalised": False
    }  # fmt: skip
    changed = replace(plain, normalised=True, original_bytes=60)
    assert (changed.bpb, changed.bpb_original) == (3.0, 2.0)
    assert changed.to_json() == {**plain.to_json(), "normalised": True, "original_bytes": 60, "bpb_original": 2.0}
