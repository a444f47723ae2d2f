"""However a text is read, the bits are the same: one pass, pieces or token by token, with any others beside it, on any threads."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bytegolf.errors import InputError
from bytegolf.exact.bounds import MAX_POSITIONS
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import Reader, read_windows
from bytegolf.model.stream import Stream
from support.drawn_models import every_switch
from support.exact_models import drawn_texts, drawn_weights, frequencies, weights_of
from support.models import changed, random_model

LENGTH = 23


def exact_model(**changes: object) -> ExactModel:
    config = changed(**changes)
    return ExactModel.of(config, drawn_weights(config))


def in_pieces(model: ExactModel, tokens: NDArray[np.int64], lengths: list[int], reach: int | None = None) -> NDArray[np.float64]:
    """Hidden states of texts read piece by piece, each in sight of as many positions before it as `reach`."""
    positions = tokens.shape[1] if reach is None else reach + max(lengths)
    reader, pieces, first = Reader(model, len(tokens), positions), [], 0
    for length in lengths:
        if reach is not None and reader.length > reach:
            reader.forget(reader.length - reach)
        pieces.append(reader.hidden(tokens[:, first : first + length]))
        first += length
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("lengths", [[1] * LENGTH, [LENGTH - 3, 1, 1, 1], [1, LENGTH - 1], [7, 7, 7, 2]])
def test_pieces_are_as_one_pass(lengths: list[int], isolate: bool) -> None:
    model = exact_model(isolate_documents=isolate)
    tokens = drawn_texts(model.config, 3, LENGTH)
    np.testing.assert_array_equal(in_pieces(model, tokens, lengths), read_windows(model, tokens))


@given(data=st.data())
@settings(deadline=None, max_examples=25)
def test_any_model_reads_any_pieces_as_one_pass(data: st.DataObject) -> None:
    config = data.draw(every_switch())
    lengths = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    model, tokens = ExactModel.of(config, drawn_weights(config)), drawn_texts(config, 2, sum(lengths))
    np.testing.assert_array_equal(in_pieces(model, tokens, lengths), read_windows(model, tokens))


def test_a_beginning_is_as_in_the_whole() -> None:
    model = exact_model()
    tokens = drawn_texts(model.config, 2, LENGTH)
    whole = read_windows(model, tokens)
    for length in range(1, LENGTH):
        np.testing.assert_array_equal(read_windows(model, tokens[:, :length]), whole[:, :length])


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_windows_do_not_know_of_each_other(batch: int) -> None:
    model = exact_model()
    tokens = drawn_texts(model.config, 64, LENGTH)
    found = [read_windows(model, tokens[first : first + batch]) for first in range(0, 64, batch)]
    np.testing.assert_array_equal(np.concatenate(found), read_windows(model, tokens))


@pytest.mark.parametrize("lanes", [1, 7, 64])
def test_lanes_do_not_know_of_each_other(lanes: int) -> None:
    model = exact_model()
    tokens = drawn_texts(model.config, 64, 20)
    found = [in_pieces(model, tokens[first : first + lanes], [1] * 20, reach=8) for first in range(0, 64, lanes)]
    np.testing.assert_array_equal(np.concatenate(found), in_pieces(model, tokens, [1] * 20, reach=8))


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("lanes", [1, 3])
def test_the_end_of_a_window_may_be_read_token_by_token(lanes: int, isolate: bool) -> None:
    """As sliding windows are decoded: context in one pass, of which nothing is asked, then a step for each token that is scored."""
    model, window, stride = exact_model(isolate_documents=isolate), 16, 5
    tokens = drawn_texts(model.config, lanes, 3 * window)
    for start in range(0, tokens.shape[1] - window + 1, stride):
        text = tokens[:, start : start + window]
        reader = Reader(model, lanes, window)
        assert reader.hidden(text[:, : window - stride], last=0).shape == (lanes, 0, model.config.model_dim)
        steps = [reader.hidden(text[:, t : t + 1]) for t in range(window - stride, window)]
        np.testing.assert_array_equal(np.concatenate(steps, axis=1), read_windows(model, text, last=stride))


def test_a_piece_in_sight_of_a_past_may_be_asked_for_its_last_positions() -> None:
    model = exact_model()
    tokens = drawn_texts(model.config, 3, LENGTH)
    reader = Reader(model, 3, LENGTH)
    reader.hidden(tokens[:, :9], last=1)
    np.testing.assert_array_equal(reader.hidden(tokens[:, 9:], last=4), read_windows(model, tokens, last=4))


@pytest.mark.parametrize("reach", [0, 1, 4, 12])
def test_pieces_with_a_rolling_past_may_be_read_token_by_token(reach: int) -> None:
    model = exact_model()
    tokens = drawn_texts(model.config, 3, 24)
    reader, steps = Reader(model, 3, reach + 6), []
    for t in range(24):
        if t % 6 == 0 and reader.length > reach:
            reader.forget(reader.length - reach)
        steps.append(reader.hidden(tokens[:, t : t + 1]))
    np.testing.assert_array_equal(np.concatenate(steps, axis=1), in_pieces(model, tokens, [6] * 4, reach))


@pytest.mark.parametrize("isolate", [False, True])
def test_a_rolling_past_is_close_to_that_of_float32(isolate: bool) -> None:
    config = changed(isolate_documents=isolate)
    model, tokens = random_model(config), drawn_texts(config, 3, 40)
    stream = Stream(model, reach=11)
    with torch.no_grad():
        expected = torch.cat([stream.hidden(piece) for piece in torch.from_numpy(tokens).split(5, dim=1)], dim=1)
    found = in_pieces(ExactModel.of(config, weights_of(model)), tokens, [5] * 8, reach=11)
    np.testing.assert_allclose(found, expected.numpy(), atol=3e-3)


def test_refuses_more_positions_than_attention_sums_exactly() -> None:
    with pytest.raises(InputError, match=f"at most {MAX_POSITIONS} tokens"):
        Reader(exact_model(), 1, MAX_POSITIONS + 1)


def digest() -> str:
    """The probabilities of windows in one pass, and of 64 texts read token by token in 1, 7 and 64 lanes, as a hash."""
    model, found = exact_model(), hashlib.blake2b(digest_size=16)
    states = [read_windows(model, drawn_texts(model.config, 32, 96))]
    texts = drawn_texts(model.config, 64, 10)
    for lanes in (1, 7, 64):
        states += [in_pieces(model, texts[first : first + lanes], [1] * 10, reach=4) for first in range(0, 64, lanes)]
    for x in states:
        found.update(frequencies(model, x).tobytes())
    return found.hexdigest()


IN_SO_MANY_THREADS = """
import os
os.sched_getaffinity = lambda _: range({threads})
from bytegolf.exact import parts
parts.WORTHWHILE = 0
from exact.test_reader import digest
print(digest())
"""


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_any_number_of_threads_finds_the_same(threads: int) -> None:
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = os.environ | {f"{library}_NUM_THREADS": str(threads) for library in libraries}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    code = IN_SO_MANY_THREADS.format(threads=threads)
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest()
