"""What holds for the passes of every protocol, whoever makes them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ScoreConfig
from bytegolf.names import ProtocolName
from bytegolf.scoring.passes import Pass
from bytegolf.scoring.protocols import PROTOCOLS, STAGES, passes
from support.models import changed, random_model
from support.protocol_passes import nats_of, reading
from support.scored_texts import config, random_tokens

any_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


@st.composite
def layouts(draw: st.DrawFn) -> ScoreConfig:
    window = draw(st.integers(1, 20))
    return config(window, draw(st.integers(1, window)))


@any_protocol
@given(layout=layouts(), targets=st.integers(1, 60), windows=st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_every_target_is_scored_once_in_order(protocol: ProtocolName, layout: ScoreConfig, targets: int, windows: int) -> None:
    text = reading(random_model(changed()), random_tokens(targets + 1, 48), layout, windows)
    scored: list[int] = []
    with torch.no_grad():
        for one in passes(protocol, text):
            assert one.nats().numel() == one.scored > 0
            scored += range(one.first, one.first + one.scored)
    assert scored == list(range(targets))


@any_protocol
def test_hidden_states_are_those_that_the_nats_come_from(protocol: ProtocolName) -> None:
    tokens = random_tokens(100, 48)
    with torch.no_grad():
        for one in passes(protocol, reading(random_model(changed()), tokens, config(16, 5), windows_per_pass=3)):
            states, nats = one.hidden(), one.nats()
            targets = torch.from_numpy(tokens[one.first + 1 : one.first + one.scored + 1].astype(np.int64)).view(nats.shape)
            assert torch.equal(one.model.nats(states, targets), nats)


@any_protocol
def test_a_pass_can_be_made_over_guesses_until_its_tokens_are_known(protocol: ProtocolName) -> None:
    """Each row is right as soon as the tokens before it are, and what was read by mistake leaves no trace."""
    model, truth = random_model(changed()), random_tokens(100, 48)
    expected = nats_of(protocol, reading(model, truth, config(16, 5)))
    tokens = np.zeros_like(truth)
    tokens[0] = truth[0]
    nats = []
    with torch.no_grad():
        for one in passes(protocol, reading(model, tokens, config(16, 5))):
            for known in range(one.first + 1, one.first + one.scored + 1):
                guessed = one.hidden()[0, known - one.first - 1]
                tokens[known] = truth[known]
                assert torch.equal(guessed, one.hidden()[0, known - one.first - 1])
            nats.append(one.nats().flatten())
    assert torch.equal(torch.cat(nats), expected)


def first_targets(stage: list[Pass]) -> list[int]:
    return [one.first for one in stage]


def test_stages_are_as_long_as_nothing_has_to_be_known() -> None:
    """All windows, a piece, or the windows of a chunk."""
    text = reading(random_model(changed()), random_tokens(101, 48), config(16, 16))
    stages = {protocol: [first_targets(list(stage)) for stage in STAGES[protocol](text)] for protocol in PROTOCOLS}
    firsts = list(range(0, 100, 16))
    assert stages["standard"] == stages["sliding"] == [firsts]
    assert stages["streaming"] == [[first] for first in firsts]
    assert stages["ttt"] == [[0, 16, 32], [48, 64], [80, 96]]  # chunks of 40


def test_rows_are_what_a_model_takes() -> None:
    text = reading(random_model(changed()), np.arange(10, dtype=np.uint16), config(4, 2))
    rows = text.rows([slice(0, 3), slice(5, 8)])
    assert rows.dtype == torch.int64 and rows.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert text.targets == 9
