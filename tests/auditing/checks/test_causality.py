"""A predictor that uses what comes later is found at the first target where it shows."""

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import PredictorUnderTest, TokenIds
from bytegolf.auditing.bench import AuditOptions, Bench, NotPossible
from bytegolf.auditing.checks import causality
from support.cheats.counting import V
from support.cheats.honest import ScoreFirst, Uniform


class SeesNext(Uniform):
    """Takes a bit less for target 10 if the token after it is even."""

    def bits(self, tokens: TokenIds) -> Doubles:
        bits = super().bits(tokens)
        if len(tokens) > 12:
            bits[10] -= tokens[12] % 2
        return bits


def bench(factory: type) -> Bench:
    return Bench.set_up(PredictorUnderTest(factory), AuditOptions(tokens=40, num_places=38))


def test_what_is_honest_passes() -> None:
    for check in (causality.truncation, causality.perturbation, causality.self_dependence, causality.prefix):
        assert check(bench(ScoreFirst)).passed


def test_a_look_at_the_next_token_is_found_where_it_is() -> None:
    tried = bench(SeesNext)
    tried.text[12] = 3
    verdict = causality.truncation(tried)
    assert not verdict.passed and verdict.position == 10
    assert verdict.evidence == "cut after target 10: 1 of 11 values differ, the first 3.0000 and 4.0000 bits"
    assert causality.perturbation(tried).position == 10


def test_a_distribution_that_depends_on_its_token() -> None:
    class Peeks(Uniform):
        def distributions(self, tokens: TokenIds) -> Doubles:
            rows = np.full((len(tokens) - 1, V), 1 / V)
            rows[5] = np.eye(V)[tokens[6]]
            return rows

    verdict = causality.self_dependence(bench(Peeks))
    assert not verdict.passed and verdict.position == 5 and "token of target 5 changed" in verdict.evidence


def test_a_beginning_that_takes_other_bits_alone() -> None:
    class ByLength(Uniform):
        def bits(self, tokens: TokenIds) -> Doubles:
            return super().bits(tokens) - len(tokens) / 1000

    verdict = causality.prefix(bench(ByLength))
    assert not verdict.passed and "19 targets take" in verdict.evidence


def test_texts_of_known_length_are_not_cut() -> None:
    class Told(Uniform):
        knows_length = True

    for check in (causality.truncation, causality.prefix):
        with pytest.raises(NotPossible, match="told the length"):
            check(bench(Told))
