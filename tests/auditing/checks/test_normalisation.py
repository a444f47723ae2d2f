"""Probabilities that are no distribution are found, whether they are shown or only claimed as bits."""

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import PredictorUnderTest, TokenIds
from bytegolf.auditing.bench import AuditOptions, Bench, NotPossible
from bytegolf.auditing.checks import normalisation
from support.cheats.counting import V
from support.cheats.honest import ScoreFirst, Uniform


def bench(factory: type, **options: int) -> Bench:
    return Bench.set_up(PredictorUnderTest(factory), AuditOptions(tokens=40, num_places=3, **options))


def shown(rows_nV: Doubles) -> type:
    """Return a predictor that shows these distributions, and takes its bits from uniform ones."""

    class Shown(Uniform):
        def distributions(self, tokens: TokenIds) -> Doubles:
            return rows_nV

    return Shown


def test_what_is_honest_passes() -> None:
    assert normalisation.distributions(bench(ScoreFirst)).passed and normalisation.substitution(bench(ScoreFirst)).passed


def test_distributions_that_are_none() -> None:
    uniform = np.full((39, V), 1 / V)
    assert normalisation.distributions(bench(shown(uniform))).passed
    too_much, negative, nothing = uniform.copy(), uniform.copy(), uniform.copy()
    too_much[7, 0] += 0.01
    negative[7, :2] = -0.01, 2 / V + 0.01
    nothing[7, 0] = np.nan
    assert normalisation.distributions(bench(shown(too_much))) == (False, "probabilities from 0.0625, their sum 1.010000", 7)
    assert not normalisation.distributions(bench(shown(negative))).passed
    assert not normalisation.distributions(bench(shown(nothing))).passed


def test_bits_that_are_not_those_of_the_distributions() -> None:
    rows = np.full((39, V), 0.5 / V)
    rows[:, 0] += 0.5
    verdict = normalisation.distributions(bench(shown(rows)))
    assert not verdict.passed and "bits against the distributions they are of" in verdict.evidence


def test_bits_that_every_token_gets_too_few_of() -> None:
    class Cheaper(Uniform):
        def bits(self, tokens: TokenIds) -> Doubles:
            return super().bits(tokens) - 0.5

    verdict = normalisation.substitution(bench(Cheaper))
    assert verdict == (False, "over all 16 tokens the probabilities sum to 1.4142", 1)


def test_too_many_scorings_are_not_made() -> None:
    with pytest.raises(NotPossible, match="it would take 48 scorings"):
        normalisation.substitution(bench(Uniform, max_scorings=47))
