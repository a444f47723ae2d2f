"""The audit reads bits and distributions out of whatever has the interface, and refuses the rest."""

from collections.abc import Callable

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import PredictorUnderTest, in_order
from bytegolf.errors import InputError
from support.cheats.accounting import DoubledTokens
from support.cheats.counting import V
from support.cheats.honest import NormalisedCache, ScoreFirst, TokenByToken, Uniform

TEXT = np.array([3, 5, 3, 5, 5, 0])


def test_the_first_bits_of_each_target_count() -> None:
    assert in_order(np.array([[1, 5.0], [0, 3.0], [1, 9.0]]), 3).tolist() == [3.0, 5.0, np.inf]
    assert in_order(np.array([[7, 1.0], [-1, 1.0]]), 2).tolist() == [np.inf, np.inf]
    assert in_order(np.array([2.0, 4.0]), 2).tolist() == [2.0, 4.0]


def test_the_factory_is_asked_once_what_it_makes() -> None:
    made = []

    def factory() -> TokenByToken:
        made.append(TokenByToken())
        return made[-1]

    predictor = PredictorUnderTest(factory)
    assert predictor.vocab_size == V and predictor.is_sequential and not predictor.knows_length
    assert predictor.offered == {"distributions"}
    assert len(made) == 1
    predictor.bits(TEXT)
    predictor.bits(TEXT)
    assert len(made) == 3, "each scoring has an instance of its own"


def test_what_is_offered() -> None:
    assert PredictorUnderTest(Uniform).offered == set()
    assert PredictorUnderTest(ScoreFirst).offered == {"distributions", "events", "without_update"}
    assert PredictorUnderTest(NormalisedCache).offered == {"degenerate", "num_bytes", "decode"}


def test_a_sequential_predictor_is_read_token_by_token() -> None:
    predictor = PredictorUnderTest(TokenByToken)
    rows = predictor.distributions(TEXT)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    np.testing.assert_allclose(rows[0], 1 / V)
    np.testing.assert_array_equal(predictor.bits(TEXT), -np.log2(rows[np.arange(5), TEXT[1:]]))


def test_ledger_rows_are_as_the_predictor_claims_them() -> None:
    predictor = PredictorUnderTest(DoubledTokens)
    assert predictor.ledger_rows(TEXT).shape == (10, 2) and predictor.bits(TEXT).shape == (5,)


@pytest.mark.parametrize("factory", [dict, lambda: object()])
def test_what_is_no_predictor_is_refused(factory: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="audit: expected a factory of something with vocab_size and bits"):
        PredictorUnderTest(factory)


def test_a_vector_of_the_wrong_length_is_refused() -> None:
    class Short(TokenByToken):
        def predict(self) -> Doubles:
            return super().predict()[:, 1:]

    with pytest.raises(InputError, match="expected predict to give 16 probabilities, found 15"):
        PredictorUnderTest(Short).bits(TEXT)
