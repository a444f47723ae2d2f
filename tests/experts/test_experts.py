"""Experts: against the same written plainly, and what holds whatever the text: exact sums, causality, order, little to lose."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.config import ExpertsConfig
from bytegolf.experts.experts import Experts
from bytegolf.experts.split import TOTAL
from support.plain_experts import Options, PlainExperts

Integers = NDArray[np.int64]

SMALL = ExpertsConfig(table_bits=20, history_bits=10)  # large enough that no two of a short test's contexts meet
TINY = ExpertsConfig(table_bits=4, history_bits=4, match=2)  # everything is given up all the time


def text(rng: np.random.Generator, vocab_size: int, length: int, lanes: int) -> Integers:
    """Return text that repeats itself, (T, L): pieces of a short random one, with a random token now and then."""
    source = rng.integers(0, vocab_size, 40)
    tokens = np.empty((length, lanes), np.int64)
    for lane in range(lanes):
        at = 0
        for position in range(length):
            at = int(rng.integers(0, 40)) if rng.random() < 0.1 else (at + 1) % 40
            tokens[position, lane] = source[at] if rng.random() < 0.9 else rng.integers(0, vocab_size)
    return tokens


def model(rng: np.random.Generator, tokens: Integers, vocab_size: int) -> Integers:
    """Return frequencies of a model, (T, L, V): spread over many powers of two, and a little in favour of the truth."""
    rows = np.floor(2.0 ** rng.uniform(0, 30, (*tokens.shape, vocab_size))).astype(np.int64)
    np.put_along_axis(rows, tokens[..., None], np.floor(2.0 ** rng.uniform(20, 30, (*tokens.shape, 1))).astype(np.int64), -1)
    return rows


def drawn(seed: int, vocab_size: int, length: int, lanes: int = 1) -> tuple[Integers, Integers]:
    rng = np.random.default_rng(seed)
    tokens = text(rng, vocab_size, length, lanes)
    return model(rng, tokens, vocab_size), tokens


def step_by_step(experts: Experts, rows: Integers, tokens: Integers) -> Integers:
    """Return all frequencies, (T, L, V)."""
    predictions = []
    for row, token in zip(rows, tokens, strict=True):
        predictions.append(experts.predict(row))
        experts.update(token)
    return np.array(predictions)


def bits(frequencies: Integers) -> float:
    """Return the mean bits of targets with these frequencies."""
    return float(np.mean(np.log2(TOTAL) - np.log2(frequencies)))


def model_bits(rows: Integers, tokens: Integers) -> float:
    return float(np.mean(np.log2(rows.sum(-1)) - np.log2(np.take_along_axis(rows, tokens[..., None], -1)[..., 0])))


@pytest.mark.parametrize(
    ("config", "vocab_size", "lanes"),
    [
        (SMALL, 12, 1),
        (SMALL, 40, 3),
        (SMALL, 2, 2),
        (SMALL.model_copy(update={"candidates": 0}), 12, 1),
        (SMALL.model_copy(update={"candidates": 3, "orders": 2, "indirect": False}), 12, 2),
        (SMALL.model_copy(update={"orders": 1, "skips": False, "match": 1}), 300, 1),
        (SMALL.model_copy(update={"history_bits": 4, "match": 3}), 12, 1),
    ],
)
def test_agree_to_the_bit_with_the_same_written_plainly(config: ExpertsConfig, vocab_size: int, lanes: int) -> None:
    rows, tokens = drawn(1, vocab_size, 200, lanes)
    options = Options(
        vocab_size=vocab_size, lanes=lanes, orders=config.orders, skips=config.skips, indirect=config.indirect, match=config.match,
        candidates=config.candidates, history=2**config.history_bits, linear_rate=config.linear_rate, logistic_rate=config.logistic_rate,
    )  # fmt: skip
    experts, plain = Experts(config, vocab_size, lanes), PlainExperts(options)
    for position, (row, token) in enumerate(zip(rows, tokens, strict=True)):
        assert experts.predict(row).tolist() == plain.predict(row.tolist()), position
        experts.update(token)
        plain.update(token.tolist())


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 3), st.sampled_from([TINY, SMALL]), st.sampled_from([0, 1, 24]))
@settings(max_examples=30, deadline=None)
def test_frequencies_are_whole_positive_and_add_up(seed: int, vocab_size: int, lanes: int, config: ExpertsConfig, candidates: int) -> None:
    rows, tokens = drawn(seed, vocab_size, 60, lanes)
    predictions = step_by_step(Experts(config.model_copy(update={"candidates": candidates}), vocab_size, lanes), rows, tokens)
    assert (predictions.sum(-1) == TOTAL).all()
    assert predictions.min() >= 1


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 3), st.sampled_from([TINY, SMALL]))
@settings(max_examples=30, deadline=None)
def test_scoring_finds_what_coding_finds(seed: int, vocab_size: int, lanes: int, config: ExpertsConfig) -> None:
    rows, tokens = drawn(seed, vocab_size, 60, lanes)
    predictions = step_by_step(Experts(config, vocab_size, lanes), rows, tokens)
    scorer = Experts(config, vocab_size, lanes)
    parts = [scorer.score(rows[a:b], tokens[a:b]) for a, b in ((0, 7), (7, 7), (7, 60))]
    assert np.array_equal(np.concatenate(parts), np.take_along_axis(predictions, tokens[..., None], -1)[..., 0])


@given(st.integers(0, 2**32), st.integers(0, 39), st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_no_later_token_moves_an_earlier_frequency(seed: int, changed: int, lanes: int) -> None:
    rows, tokens = drawn(seed, 30, 40, lanes)
    others, other_rows = tokens.copy(), rows.copy()
    others[changed:] = (others[changed:] + 1) % 30
    other_rows[changed + 1 :] = other_rows[changed + 1 :, :, ::-1]
    first = step_by_step(Experts(TINY, 30, lanes), rows, tokens)
    second = step_by_step(Experts(TINY, 30, lanes), other_rows, others)
    assert np.array_equal(first[: changed + 1], second[: changed + 1])


def test_predictions_may_be_asked_for_twice() -> None:
    rows, tokens = drawn(5, 30, 60)
    once, twice = Experts(SMALL, 30), Experts(SMALL, 30)
    for row, token in zip(rows, tokens, strict=True):
        twice.predict(row[:, ::-1].copy())
        assert np.array_equal(once.predict(row), twice.predict(row))
        once.update(token)
        twice.update(token)


def test_lanes_learn_from_each_other() -> None:
    rows, tokens = drawn(2, 200, 400)
    together, alone = Experts(SMALL, 200, 2), Experts(SMALL, 200, 1)
    same = tokens[:200, 0]
    shifted = np.stack([same, np.roll(same, 20)], 1)
    both = together.score(np.repeat(rows[:200], 2, 1), shifted)
    assert bits(both[:, 0]) != bits(alone.score(rows[:200], tokens[:200])[:, 0])
    assert bits(both[:, 1]) < bits(Experts(SMALL, 200).score(rows[:200], shifted[:, 1:])[:, 0])


def test_forgets_when_reset() -> None:
    rows, tokens = drawn(3, 50, 200)
    experts = Experts(TINY, 50)
    first = experts.score(rows, tokens)
    assert not np.array_equal(experts.score(rows, tokens), first)
    experts.reset()
    assert np.array_equal(experts.score(rows, tokens), first)


def test_takes_frequencies_of_either_sign() -> None:
    rows, tokens = drawn(4, 50, 100)
    assert np.array_equal(Experts(TINY, 50).score(rows.astype(np.uint64), tokens), Experts(TINY, 50).score(rows, tokens))


def test_text_that_repeats_is_cheaper() -> None:
    tokens = np.tile(np.random.default_rng(0).integers(0, 500, 300), 5)[:, None]
    rows = np.full((*tokens.shape, 500), 1000)
    frequencies = Experts(SMALL, 500).score(rows, tokens)
    assert bits(frequencies[600:]) < 0.05 * np.log2(500)
    assert bits(frequencies[:300]) < np.log2(500) + 0.01


@pytest.mark.parametrize("config", [SMALL, TINY, SMALL.model_copy(update={"candidates": 0})])
def test_nothing_is_lost_on_random_text(config: ExpertsConfig) -> None:
    rng = np.random.default_rng(1)
    uniform, tokens = np.full((8000, 1, 256), 77), rng.integers(0, 256, (8000, 1))
    assert bits(Experts(config, 256).score(uniform, tokens)) < 8 + 0.002
    rows = np.floor(2.0 ** rng.uniform(0, 30, (8000, 1, 256))).astype(np.int64)
    tokens = np.array([[rng.choice(256, p=row[0] / row.sum())] for row in rows])  # text of which the model knows all there is to know
    assert bits(Experts(config, 256).score(rows, tokens)) < model_bits(rows, tokens) + 0.002


def test_what_came_before_predict_is_refused() -> None:
    rows, tokens = drawn(0, 9, 5)
    experts = Experts(TINY, 9)
    with pytest.raises(RuntimeError, match="call predict first"):
        experts.update(tokens[0])
    experts.predict(rows[0])
    experts.update(tokens[0])
    with pytest.raises(RuntimeError, match="call predict first"):
        experts.update(tokens[0])
    experts.predict(rows[0])
    experts.score(rows, tokens)
    with pytest.raises(RuntimeError, match="call predict first"):
        experts.update(tokens[0])


def test_wrong_shapes_and_unknown_tokens_are_refused() -> None:
    rows, tokens = drawn(0, 9, 5)
    experts = Experts(TINY, 9)
    with pytest.raises(ValueError, match="in shape"):
        experts.predict(rows)
    with pytest.raises(ValueError, match="in shape"):
        experts.score(rows, tokens[:, 0])
    for token in (-1, 9):
        with pytest.raises(ValueError, match="below 9"):
            experts.score(rows, np.full_like(tokens, token))


def test_result_is_one_on_every_machine() -> None:
    """Whoever gets another hash has arithmetic that is not the one of docs/experts.md: receipts would not verify."""
    rows, tokens = drawn_without_floats()
    frequencies = Experts(ExpertsConfig(table_bits=10, history_bits=8), 64, 2).score(rows, tokens)
    assert hashlib.sha256(frequencies.astype("<i8").tobytes()).hexdigest()[:16] == "ec8520b418765399"


def drawn_without_floats() -> tuple[Integers, Integers]:
    """Return frequencies and tokens made of whole numbers alone: a congruential generator, of which text repeats the first 100 numbers."""
    state, numbers = 1, []
    for _ in range(3000):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append(state >> 33)
    tokens = np.array(numbers[:1000]).reshape(500, 2) % 64
    tokens[100:, 0] = tokens[:400, 0]
    rows = np.array([[numbers[(7 * position + 31 * token) % 3000] % 2**20 + 1 for token in range(64)] for position in range(500)])
    return np.repeat(rows[:, None], 2, 1), tokens
