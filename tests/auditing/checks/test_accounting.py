"""Each target counts once, in order and with its bits, bytes are those of the text, and a score comes again."""

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import Event, PredictorUnderTest, TokenIds
from bytegolf.auditing.bench import AuditOptions, Bench
from bytegolf.auditing.checks import accounting
from support.cheats.accounting import CarriedOver, WrongByteCount
from support.cheats.honest import NormalisedCache, ScoreFirst, TokenByToken, Uniform


def bench(factory: type) -> Bench:
    return Bench.set_up(PredictorUnderTest(factory), AuditOptions(tokens=11))


def claiming(bits: list[float] | Doubles) -> type:
    class Claiming(Uniform):
        def bits(self, tokens: TokenIds) -> Doubles:
            return np.array(bits)

    return Claiming


@pytest.mark.parametrize("factory", [ScoreFirst, NormalisedCache, TokenByToken])
def test_what_is_honest_passes(factory: type) -> None:
    assert accounting.coverage(bench(factory)) == (True, "10 targets, each once", None)
    assert accounting.repetition(bench(factory)) == (True, "identical", None)


def test_rows_out_of_order_missing_or_doubled() -> None:
    rows = np.stack((np.arange(10.0), np.full(10, 4.0)), axis=1)
    assert accounting.coverage(bench(claiming(rows))).passed
    for changed, position in ((rows[:-1], 9), (np.delete(rows, 3, axis=0), 3), (rows[::-1], 0), (np.concatenate((rows, rows[-1:])), 10)):
        verdict = accounting.coverage(bench(claiming(changed)))
        assert not verdict.passed and verdict.position == position and f"{len(changed)} rows for 10 targets" in verdict.evidence


@pytest.mark.parametrize("wrong", [-0.5, np.inf, np.nan])
def test_bits_that_nothing_can_take(wrong: float) -> None:
    assert not accounting.coverage(bench(claiming([4.0] * 9 + [wrong]))).passed


def test_spans_scored_out_of_order() -> None:
    class Spans(Uniform):
        def events(self, tokens: TokenIds) -> list[Event]:
            return [("score", 0, 4), ("update", 0, 4), ("score", 5, 10)]

    assert accounting.coverage(bench(Spans)) == (False, "targets from 5 on are scored where 4 was due", 5)


def test_bytes_that_the_text_does_not_have() -> None:
    assert accounting.coverage(bench(WrongByteCount)) == (False, "12 bytes claimed where the text has 10", None)


def test_a_score_that_changes() -> None:
    verdict = accounting.repetition(bench(CarriedOver))
    assert not verdict.passed and "targets differ" in verdict.evidence


def test_an_instance_that_remembers_its_last_text() -> None:
    class Remembers(Uniform):
        used = False

        def bits(self, tokens: TokenIds) -> Doubles:
            bits, self.used = super().bits(tokens) - self.used, True
            return bits

    assert accounting.repetition(bench(Remembers)) == (False, "4.000000 bits, then 3.000000; 10 targets differ", 0)
