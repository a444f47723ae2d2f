"""What holds for the passes of every protocol, whoever makes them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ScoreConfig
from bytegolf.names import ProtocolName
from bytegolf.scoring.low_rank_adaptation import documents
from bytegolf.scoring.passes import Pass
from bytegolf.scoring.protocols import PROTOCOLS, STAGES
from support.models import changed, random_model
from support.protocol_passes import nats_of, passes, reading
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
def test_logits_are_those_that_the_nats_come_from(protocol: ProtocolName) -> None:
    tokens, model = random_tokens(100, 48), random_model(changed())
    expected = nats_of(protocol, reading(model, tokens, config(16, 5), windows_per_pass=3))
    with torch.no_grad():
        logits = torch.cat(
            [one.logits().flatten(0, 1) for one in passes(protocol, reading(model, tokens, config(16, 5), windows_per_pass=3))]
        )
    targets = torch.from_numpy(tokens[1:].astype(np.int64))
    torch.testing.assert_close(torch.nn.functional.cross_entropy(logits, targets, reduction="none"), expected)


def first_targets(stage: list[Pass]) -> list[int]:
    return [one.first for one in stage]


def test_stages_are_as_long_as_nothing_has_to_be_known() -> None:
    """All windows, a piece, or the windows of a chunk."""
    text = reading(random_model(changed()), random_tokens(101, 48), config(16, 16))
    stages = {protocol: [first_targets(list(stage)) for stage in STAGES[protocol](text)] for protocol in PROTOCOLS}
    firsts = list(range(0, 100, 16))
    starts = [first for document in documents(text) for first in document[::16]]
    assert stages["standard"] == stages["sliding"] == [firsts]
    assert stages["streaming"] == [[first] for first in firsts]
    assert stages["ttt"] == [[0, 16, 32], [48, 64], [80, 96]]  # chunks of 40
    assert stages["lora"] == [[first] for first in starts]


def test_rows_are_what_a_model_takes() -> None:
    text = reading(random_model(changed()), np.arange(10, dtype=np.uint16), config(4, 2))
    rows = text.rows([slice(0, 3), slice(5, 8)])
    assert rows.dtype == torch.int64 and rows.tolist() == [[0, 1, 2], [5, 6, 7]]
    assert text.targets == 9
