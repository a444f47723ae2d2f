"""Every target once, from the context its protocol gives it: against a scorer that does one target at a time."""

import math
from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.scoring.protocols import score_tokens
from bytegolf.scoring.windows import AFRESH, WINDOWS, Window, streaming_windows
from support.models import changed, random_model
from support.scored_models import Remembering, Uniform, as_gpt
from support.scored_texts import config, random_tokens
from support.scoring_reference import bits_of, context_start

WindowProtocol = Literal["standard", "sliding"]
PROTOCOLS: tuple[WindowProtocol, ...] = get_args(WindowProtocol)
both_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)
any_protocol = st.sampled_from(PROTOCOLS)


# --- the windows


def windows(protocol: WindowProtocol, targets: int, length: int, stride: int) -> Iterable[Window]:
    return WINDOWS[protocol](targets, config(length, stride))


@st.composite
def layouts(draw: st.DrawFn) -> tuple[WindowProtocol, int, int, int]:
    length = draw(st.integers(1, 40))
    return draw(any_protocol), draw(st.integers(1, 200)), length, draw(st.integers(1, length))


@given(layout=layouts())
@settings(max_examples=300, deadline=None)
def test_every_target_is_scored_once_in_order(layout: tuple[WindowProtocol, int, int, int]) -> None:
    _, targets, length, _ = layout
    scored: list[int] = []
    for window in windows(*layout):
        assert 0 <= window.start < window.stop <= targets
        assert 1 <= window.scored <= window.stop - window.start <= length
        assert window.kept == AFRESH
        scored += range(window.first, window.stop)
    assert scored == list(range(targets))


@given(layout=layouts())
@settings(max_examples=300, deadline=None)
def test_every_target_has_the_context_of_its_protocol(layout: tuple[WindowProtocol, int, int, int]) -> None:
    protocol, targets, length, stride = layout
    for window in windows(*layout):
        for target in range(window.first, window.stop):
            assert window.start == max(0, context_start(protocol, target, targets, length, stride))


@given(layout=layouts())
@settings(deadline=None)
def test_sliding_windows_have_one_shape(layout: tuple[WindowProtocol, int, int, int]) -> None:
    _, targets, length, stride = layout
    found = list(windows("sliding", targets, length, stride))
    assert {window.stop - window.start for window in found} == {min(length, targets)}
    assert {window.scored for window in found[1:-1]} <= {stride}
    for window in found[1:]:  # nobody gets less than window - stride tokens of context, beside the target's own predecessor
        assert window.stop - window.start - window.scored >= length - stride
    assert len(found) == 1 + max(0, math.ceil((targets - length) / stride))


@given(targets=st.integers(1, 200), length=st.integers(1, 40))
@settings(deadline=None)
def test_standard_windows_do_not_overlap(targets: int, length: int) -> None:
    found = list(windows("standard", targets, length, 1))
    assert [window.start for window in found] == list(range(0, targets, length))
    assert all(window.scored == window.stop - window.start for window in found)


def test_a_stride_of_the_window_is_standard_but_for_the_end() -> None:
    assert list(windows("sliding", 20, 8, 8))[:2] == list(windows("standard", 20, 8, 8))[:2]
    assert list(windows("sliding", 20, 8, 8))[2] == Window(12, 16, 20)
    assert list(windows("standard", 20, 8, 8))[2] == Window(16, 16, 20)


@given(targets=st.integers(1, 200), length=st.integers(1, 40), data=st.data())
@settings(deadline=None)
def test_streaming_reads_every_token_once_and_keeps_what_fits(targets: int, length: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, length))
    pieces = list(streaming_windows(targets, config(length, stride)))
    assert [t for piece in pieces for t in range(piece.start, piece.stop)] == list(range(targets))
    assert pieces[0].kept == AFRESH and all(piece.first == piece.start for piece in pieces)
    for piece in pieces[1:]:
        assert piece.kept == min(piece.start, length - stride)


def test_windows_take_no_time_to_begin() -> None:
    assert next(iter(windows("sliding", 10**12, 2048, 64))) == Window(0, 0, 2048)


# --- the bits

WINDOW, STRIDE = 8, 3
LENGTHS = [1, 2, 3, 7, 8, 9, 10, 11, 12, 15, 16, 17, 24, 25, 41]  # targets, around multiples of window and stride


@both_protocols
@pytest.mark.parametrize("targets", LENGTHS)
def test_bits_are_those_of_the_definition(protocol: WindowProtocol, targets: int) -> None:
    model, tokens = Remembering(), random_tokens(targets + 1)
    score = score_tokens(as_gpt(model), tokens, 123, protocol, config(WINDOW, STRIDE))
    expected = bits_of(model, tokens.tolist(), protocol, WINDOW, STRIDE)
    assert score.bits == pytest.approx(math.fsum(expected), rel=1e-12)
    assert (score.protocol, score.tokens, score.bytes) == (protocol, targets, 123)


@given(protocol=any_protocol, targets=st.integers(1, 40), window=st.integers(1, 9), batch=st.integers(1, 60), data=st.data())
@settings(max_examples=60, deadline=None)
def test_bits_of_any_layout(protocol: WindowProtocol, targets: int, window: int, batch: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window))
    model, tokens = Remembering(), random_tokens(targets + 1, seed=targets)
    score = score_tokens(as_gpt(model), tokens, 1, protocol, config(window, stride, batch))
    assert score.bits == pytest.approx(math.fsum(bits_of(model, tokens.tolist(), protocol, window, stride)), rel=1e-12)


@both_protocols
@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("targets", [1, 7, 8, 9, 23])
def test_bits_of_the_real_model(protocol: WindowProtocol, isolate: bool, targets: int) -> None:
    """Float32 logits: a target in a batch and alone differ by rounding."""
    model = random_model(changed(isolate_documents=isolate))
    tokens = random_tokens(targets + 1, vocab_size=48)
    score = score_tokens(model, tokens, 1, protocol, config(WINDOW, STRIDE))
    assert score.bits == pytest.approx(math.fsum(bits_of(model, tokens.tolist(), protocol, WINDOW, STRIDE)), rel=1e-6)


@both_protocols
@pytest.mark.parametrize("vocab_size", [2, 11, 1024, 65_536])
def test_a_uniform_model_costs_the_logarithm_of_the_vocabulary(protocol: WindowProtocol, vocab_size: int) -> None:
    score = score_tokens(as_gpt(Uniform(vocab_size)), random_tokens(38, 2), 37, protocol, config(WINDOW, STRIDE))
    assert score.bpb == pytest.approx(math.log2(vocab_size), rel=1e-7)


# --- what the model is shown


@both_protocols
@pytest.mark.parametrize("batch_tokens", [1, 8, 20, 64, 1000])
def test_batches_keep_to_their_size(protocol: WindowProtocol, batch_tokens: int) -> None:
    model = Uniform(300)
    score_tokens(as_gpt(model), np.arange(1, 200, dtype=np.uint16), 1, protocol, config(WINDOW, STRIDE, batch_tokens))
    assert all(asked.numel() <= max(batch_tokens, WINDOW) for asked in model.asked)
    if batch_tokens == 1000:
        assert len(model.asked) <= 3  # the first window, the full ones, the last


@both_protocols
def test_no_window_holds_its_last_target(protocol: WindowProtocol) -> None:
    """Whatever the model does with its inputs: with a stride of 1 it is never shown what it is scored on."""
    model = Uniform(300)
    tokens = np.arange(1, 200, dtype=np.uint16)
    seen = 0
    score_tokens(as_gpt(model), tokens, 1, protocol, config(WINDOW, 1, batch_tokens=1))
    for asked in model.asked:
        assert asked.dtype == torch.int64
        (window,) = asked.tolist()
        assert window == list(range(window[0], window[0] + len(window)))
        seen = max(seen, window[-1])
    assert seen == len(tokens) - 1  # the last token is a target only
