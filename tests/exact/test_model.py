"""The model agrees to the bit with arithmetic written out, closely with float32, and on every machine with itself."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ModelConfig
from bytegolf.errors import InputError
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import TOTAL
from bytegolf.exact.reader import read_windows
from support.drawn_models import every_switch, texts
from support.exact_golden import CASES, FILE, golden_digests
from support.exact_models import as_lists, drawn_texts, drawn_weights, frequencies, weights_of
from support.exact_reference import reference_frequencies
from support.models import CHANGES, SEED_SHAPES, changed, random_model, random_tokens

SMALL = [case for case in CHANGES if case != "largest vocabulary"]


def assert_agrees_to_the_bit(config: ModelConfig, tokens: list[int], weights: dict[str, np.ndarray]) -> None:
    model = ExactModel.of(config, weights)
    found = frequencies(model, read_windows(model, np.array([tokens])))[0]
    assert found.tolist() == reference_frequencies(as_lists(weights), config, tokens)


@pytest.mark.parametrize("case", SMALL)
def test_agrees_to_the_bit_with_arithmetic_written_out(case: str) -> None:
    config = changed(**CHANGES[case])
    assert_agrees_to_the_bit(config, random_tokens(config)[0].tolist(), weights_of(random_model(config)))


@given(data=st.data(), length=st.integers(1, 9))
@settings(deadline=None, max_examples=25)
def test_any_model_agrees_to_the_bit(data: st.DataObject, length: int) -> None:
    config = data.draw(every_switch())
    assert_agrees_to_the_bit(config, data.draw(texts(config, length)).tolist(), drawn_weights(config, data.draw(st.integers(0, 9))))


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 100])
def test_weights_of_any_size_agree_to_the_bit(scale: float) -> None:
    config = changed()
    weights = {name: (values * scale).astype(np.float32) for name, values in drawn_weights(config).items()}
    assert_agrees_to_the_bit(config, drawn_texts(config, 1, 8)[0].tolist(), weights)


@pytest.mark.parametrize("case", CHANGES)
def test_is_close_to_float32(case: str) -> None:
    config = changed(**CHANGES[case])
    model, tokens = random_model(config), random_tokens(config)
    exact = ExactModel.of(config, weights_of(model))
    hidden = read_windows(exact, tokens.numpy())
    with torch.no_grad():
        expected = model(tokens)
        nats = torch.nn.functional.cross_entropy(expected.flatten(0, 1), tokens.flatten(), reduction="none")
    np.testing.assert_allclose(exact.logits(hidden), expected.numpy(), atol=2e-3)
    assert abs(exact.nats(hidden, tokens.numpy()).mean() - float(nats.mean())) < 1e-4


@pytest.mark.parametrize("case", ["everything", *SEED_SHAPES])
def test_only_the_last_positions_where_no_more_are_asked_for(case: str) -> None:
    config = changed(**CHANGES[case])
    model, tokens = ExactModel.of(config, drawn_weights(config)), drawn_texts(config, 3, 12)
    np.testing.assert_array_equal(read_windows(model, tokens, last=5), read_windows(model, tokens)[:, -5:])


def test_nats_are_those_of_the_integer_probabilities() -> None:
    config = changed()
    model, tokens = ExactModel.of(config, drawn_weights(config)), drawn_texts(config, 2, 9)
    hidden = read_windows(model, tokens)
    found = frequencies(model, hidden)
    for row, (text, nats) in enumerate(zip(tokens, model.nats(hidden, tokens), strict=True)):
        for t, (token, nat) in enumerate(zip(text, nats, strict=True)):
            assert nat == pytest.approx(math.log(TOTAL / int(found[row, t, token])), rel=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_every_machine_finds_the_same_probabilities(case: str) -> None:
    """If this fails where no code has changed, the promise of docs/exact.md is broken."""
    assert golden_digests(CASES[case]) == json.loads(FILE.read_text())[case]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_weights_that_are_no_numbers(value: float) -> None:
    weights = drawn_weights(changed())
    weights["banks.up"][1, 2, 3] = value
    with pytest.raises(InputError, match=r"NaN or infinity in banks\.up"):
        ExactModel.of(changed(), weights)


def test_refuses_weights_that_let_a_state_overflow() -> None:
    weights = drawn_weights(changed())
    weights["banks.up"][1] *= 1e20
    with pytest.raises(InputError, match="let block 1 reach"):
        ExactModel.of(changed(), weights)


def test_refuses_a_loop_that_lets_a_state_overflow() -> None:
    """Where each block lets a state grow a thousandfold, four are fine and forty are not."""
    for loops, fine in ((1, True), (10, False)):
        config = changed(loops=loops)
        weights = drawn_weights(config)
        weights["controls.residual_mix"] = np.full_like(weights["controls.residual_mix"], 1000.0)
        if fine:
            ExactModel.of(config, weights)
        else:
            with pytest.raises(InputError, match=r"let block \d reach"):
                ExactModel.of(config, weights)


def test_needs_no_torch() -> None:
    code = "import sys, bytegolf.exact.reader; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
