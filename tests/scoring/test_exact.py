"""Scores in exact arithmetic: those of float32 nearly, and of every machine exactly."""

import numpy as np
import pytest
import torch

from bytegolf.coding.proof_file import PROTOCOLS
from bytegolf.config import ExpertsConfig
from bytegolf.exact.model import ExactModel
from bytegolf.model.gpt import GPT
from bytegolf.names import ProvableName
from bytegolf.scoring import exact
from bytegolf.scoring.exact import score_exactly
from bytegolf.scoring.protocols import score_tokens
from support.exact_models import weights_of
from support.models import changed, random_model
from support.scored_texts import config, random_tokens

EXPERTS = ExpertsConfig(enabled=True, table_bits=10, history_bits=10)
LAYOUT = config(16, 5)


def exact_and_torch() -> tuple[ExactModel, GPT]:
    model = random_model(changed(isolate_documents=True))
    return ExactModel.of(model.config, weights_of(model)), model


@pytest.mark.parametrize("experts", [None, EXPERTS], ids=["alone", "with experts"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scores_are_those_of_float32_nearly(protocol: ProvableName, experts: ExpertsConfig | None) -> None:
    model, gpt = exact_and_torch()
    text = np.tile(random_tokens(60, 48), 3)
    found = score_exactly(model, text, 99, protocol, LAYOUT, experts=experts)
    expected = score_tokens(gpt, text, 99, protocol, LAYOUT, experts=experts)
    assert found.exact and not expected.exact
    assert (found.protocol, found.bytes, found.tokens) == (protocol, 99, len(text) - 1)
    assert found.bits == pytest.approx(expected.bits, rel=1e-3 if experts else 1e-4)  # experts may rank two candidates otherwise
    if experts is None:
        assert found.bits_model is expected.bits_model is None
    else:
        assert found.bits_model == pytest.approx(expected.bits_model, rel=1e-4)
        assert found.bits < 0.8 * (found.bits_model or 0), "the text repeats"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_model_alone_costs_what_it_costs_beside_experts(protocol: ProvableName) -> None:
    model, _ = exact_and_torch()
    text = random_tokens(80, 48)
    mixed = score_exactly(model, text, 1, protocol, LAYOUT, experts=EXPERTS)
    assert mixed.bits_model == pytest.approx(score_exactly(model, text, 1, protocol, LAYOUT).bits, rel=1e-12)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_how_much_is_read_at_once_does_not_matter(protocol: ProvableName, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = exact_and_torch()
    text = random_tokens(120, 48)
    expected = score_exactly(model, text, 1, protocol, LAYOUT, experts=EXPERTS)
    monkeypatch.setattr(exact, "POSITIONS_AT_ONCE", 16)
    monkeypatch.setattr(exact, "FREQUENCIES_AT_ONCE", 100)
    assert score_exactly(model, text, 1, protocol, LAYOUT, experts=EXPERTS).bits == pytest.approx(expected.bits, rel=1e-13)


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "ttt"])
def test_experts_beside_a_model_in_torch_change_the_mixture_alone(protocol: str) -> None:
    _, gpt = exact_and_torch()
    text = np.tile(random_tokens(40, 48), 4)
    alone = score_tokens(gpt, text, 1, protocol, LAYOUT)  # type: ignore[arg-type]
    mixed = score_tokens(gpt, text, 1, protocol, LAYOUT, experts=EXPERTS)  # type: ignore[arg-type]
    assert mixed.bits_model == pytest.approx(alone.bits, rel=1e-5)
    assert mixed.bits < alone.bits


def test_logits_that_are_no_numbers_are_refused() -> None:
    _, gpt = exact_and_torch()
    with torch.no_grad():
        gpt.tokens[3] = float("nan")
    with pytest.raises(Exception, match="expected finite scores"):
        score_tokens(gpt, random_tokens(40, 48), 1, "standard", LAYOUT, experts=EXPERTS)
