"""The coder: what goes in comes out, at the length that the distributions say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.coding.codec import DamagedError, TooLongError, decode, encode, lane_lengths
from bytegolf.exact.output import TOTAL, Frequencies, parts_of_total


class Given:
    """Distributions that do not depend on what was observed: (positions, lanes, V), from numbers that need not sum to 1."""

    def __init__(self, probabilities: Doubles) -> None:
        weights = np.rint(probabilities / probabilities.sum(-1, keepdims=True) * TOTAL).astype(np.int64)
        self.frequencies = parts_of_total(weights)
        self.lanes = self.frequencies.shape[1]
        self.position = 0
        self.observed: list[list[int]] = []

    def predict(self) -> Frequencies:
        return self.frequencies[self.position]

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        self.observed.append(tokens_L.tolist())
        self.position += 1


@given(data=st.data(), lanes=st.integers(1, 5), tokens=st.integers(0, 60), vocab=st.integers(2, 400), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_what_is_encoded_decodes_at_the_length_that_the_distributions_say(
    data: st.DataObject, lanes: int, tokens: int, vocab: int, seed: int
) -> None:
    lengths = lane_lengths(tokens, lanes)
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(max(lengths[0], 1), lanes, vocab)) * data.draw(st.sampled_from([0.0, 1.0, 10.0]))
    texts = [rng.integers(0, vocab, length).astype(np.uint16) for length in lengths]
    coded = encode(predictor := Given(np.exp(logits)), texts)
    decoded = decode(Given(np.exp(logits)), lengths, coded)
    assert all((a == b).all() for a, b in zip(texts, decoded, strict=True))
    chosen = [predictor.frequencies[i, lane, text[i]] for lane, text in enumerate(texts) for i in range(len(text))]
    bits = -sum(math.log2(frequency / TOTAL) for frequency in chosen)
    # Of the coder's range, 2³² numbers at least, a share of f parts of TOTAL has 4 f, and up to one more.
    gain = sum(math.log2(1 + 1 / (4 * frequency)) for frequency in chosen)
    assert bits - gain - 1e-6 <= 8 * len(coded) <= bits + 64 + 1e-6 * tokens, "no bit is lost by rounding"


def test_a_predictor_is_told_what_was_coded_and_nothing_else() -> None:
    predictor = Given(np.full((3, 2, 4), 0.25))
    encode(predictor, [np.array([1, 2, 3], np.uint16), np.array([3, 1], np.uint16)])
    assert predictor.observed == [[1, 3], [2, 1], [3, 0]]  # 0 where a lane has ended


@given(vocab=st.integers(2, 300), tokens=st.integers(0, 300), below=st.integers(0, 400), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_a_stream_is_given_up_if_it_is_too_long_and_only_then(vocab: int, tokens: int, below: int, seed: int) -> None:
    predictor = Given(np.full((max(tokens, 1), 1, vocab), 1 / vocab))
    text = np.random.default_rng(seed).integers(0, vocab, tokens).astype(np.uint16)
    whole, uniform = encode(predictor, [text]), np.full((max(tokens, 1), 1, vocab), 1 / vocab)
    predictor = Given(uniform)
    if len(whole) < below:
        assert encode(predictor, [text], below=below) == whole
    else:
        with pytest.raises(TooLongError):
            encode(predictor, [text], below=below)
        assert len(predictor.observed) <= math.ceil((below + 8) * 8 / math.log2(vocab)), "given up as early as can be"


def test_lanes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="lanes"):
        encode(Given(np.full((3, 2, 4), 0.25)), [np.zeros(2, np.uint16), np.zeros(3, np.uint16)])


def test_bytes_that_are_no_stream_are_refused() -> None:
    uniform = np.full((50, 1, 4), 0.25)
    coded = encode(Given(uniform), [np.ones(50, np.uint16)])
    for wrong in (coded[:-1], coded + coded, b"\xff" * len(coded)):
        with pytest.raises(DamagedError):
            decode(Given(uniform), [50], wrong)


def test_a_stream_that_ends_early_is_noticed_at_its_end() -> None:
    """Not after as many tokens as its head claims, which may be thousands of millions."""
    probabilities = np.full((10_000, 1, 256), 1 / 256)
    uniform = Given(probabilities)
    coded = encode(Given(probabilities), [np.random.default_rng(0).integers(0, 256, 10_000).astype(np.uint16)])
    with pytest.raises(DamagedError, match="fewer bytes than its tokens take"):
        decode(uniform, [10_000], coded[:400])
    assert 400 <= len(uniform.observed) <= 410


@given(tokens=st.integers(0, 10**6), lanes=st.integers(1, 100))
def test_lane_lengths_share_all_tokens_out(tokens: int, lanes: int) -> None:
    lengths = lane_lengths(tokens, lanes)
    assert sum(lengths) == tokens and len(lengths) == lanes and lengths[0] - lengths[-1] <= 1
