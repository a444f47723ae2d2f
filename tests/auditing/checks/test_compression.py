"""Bits that would not hold the text are found: on noise, in decoding, and where a setting's result is known."""

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import PredictorUnderTest, TokenIds
from bytegolf.auditing.bench import MAX_GAIN_BITS, AuditOptions, Bench, NotPossible
from bytegolf.auditing.checks import compression
from support.cheats.counting import V
from support.cheats.honest import NormalisedCache, ScoreFirst, TokenByToken, Uniform
from support.cheats.normalisation import TargetInKey, UnnormalisedTokenByToken

OPTIONS = AuditOptions(max_scorings=400)


class Discount(Uniform):
    """Takes a fixed number of bits off a whole text."""

    off = 0.0

    def bits(self, tokens: TokenIds) -> Doubles:
        honest = np.full(len(tokens) - 1, np.log2(len(np.unique(tokens)) if len(tokens) > 500 else V))
        return honest - self.off / len(honest)


def bench(factory: type, options: AuditOptions = OPTIONS) -> Bench:
    return Bench.set_up(PredictorUnderTest(factory), options)


@pytest.mark.parametrize(("off", "passes"), [(MAX_GAIN_BITS - 1, True), (MAX_GAIN_BITS + 1, False)])
def test_noise_convicts_at_its_bound_and_not_before(off: float, passes: bool) -> None:
    class Discounted(Discount):
        pass

    Discounted.off = off
    assert compression.noise(bench(Discounted)).passed is passes


def test_a_text_decodes_from_the_bits_that_were_claimed() -> None:
    verdict = compression.decoding(bench(TokenByToken))
    assert verdict.passed and verdict.evidence.startswith("127 tokens decode from ")
    verdict = compression.decoding(bench(ScoreFirst))
    assert verdict.passed and verdict.evidence.startswith("25 tokens decode from the ")


def test_probabilities_above_one_need_more_bits_than_they_claim() -> None:
    verdict = compression.decoding(bench(UnnormalisedTokenByToken))
    assert not verdict.passed and "needed to decode" in verdict.evidence


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0, 0.0])
def test_what_is_no_distribution_is_told_and_not_coded(wrong: float) -> None:
    """Nor does it take the coder beyond its table of tokens."""

    class Odd(TokenByToken):
        def predict(self) -> Doubles:
            return np.where(np.arange(V) == 0, wrong, 0.0)

    verdict = compression.decoding(bench(Odd))
    assert (verdict.passed, verdict.evidence) == (False, "does not decode: what is predicted is no distribution")


def test_a_predictor_that_knows_what_it_cannot_know_does_not_decode() -> None:
    class Oracle(Uniform):
        def bits(self, tokens: TokenIds) -> Doubles:
            return np.zeros(len(tokens) - 1)

    verdict = compression.decoding(bench(Oracle))
    assert verdict == (False, "0.00 bits claimed for 25 tokens, 100.00 needed to decode them", 0)


def test_decoding_that_would_take_too_long_is_not_made() -> None:
    with pytest.raises(NotPossible, match="it would take 48 scorings"):
        compression.decoding(bench(Uniform, AuditOptions(max_scorings=40)))


def test_settings_of_known_result() -> None:
    assert compression.degenerate_settings(bench(NormalisedCache)) == (True, "weight 0: as expected", None)
    verdict = compression.degenerate_settings(bench(TargetInKey))
    assert not verdict.passed and verdict.evidence.startswith("one bucket: ") and "bits gained on 2048 tokens" in verdict.evidence


def test_a_setting_that_is_not_the_plain_model() -> None:
    class Never(Uniform):
        def degenerate(self) -> list[tuple[str, object, object]]:
            return [("all off", NormalisedCache(), Uniform())]

    verdict = compression.degenerate_settings(bench(Never))
    assert not verdict.passed and verdict.evidence.startswith("all off: all off against the plain model: ")
