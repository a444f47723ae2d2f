"""The protocols of scoring pass the audit, in both arithmetics and with experts; a model that looks ahead does not."""

import pytest
import torch

from bytegolf.auditing.audit import audit
from bytegolf.auditing.bench import AuditOptions
from bytegolf.auditing.protocol_scorer import ProtocolScorer
from bytegolf.coding.proof_file import PROTOCOLS as PROVABLE
from bytegolf.config import ExpertsConfig, LoraConfig, ScoreConfig, TttConfig
from bytegolf.exact.model import ExactModel
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName, ProvableName
from bytegolf.scoring.protocols import PROTOCOLS
from support.exact_models import drawn_weights
from support.models import changed, random_model

OPTIONS = AuditOptions(tokens=24, noise_tokens=120, num_places=2, max_scorings=500)
CONFIG = ScoreConfig(window=8, stride=4, batch_tokens=8)
TTT = TttConfig(lr=0.5, chunk_tokens=8, epochs=1, batch_sequences=1)
LORA = LoraConfig(rank=2, lr=0.1)
EXPERTS = ExpertsConfig(enabled=True, table_bits=8, history_bits=8)
LOOKED_FOR = {"T2", "T3", "T4", "T5", "T8", "T10", "T11", "T12"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_passes(protocol: ProtocolName) -> None:
    model = random_model(changed(isolate_documents=False))
    report = audit(lambda: ProtocolScorer.of(model, protocol, CONFIG, TTT, LORA), OPTIONS)
    assert report.ok, [finding for finding in report.findings if not finding.passed]
    assert {finding.test for finding in report.findings} >= LOOKED_FOR


@pytest.mark.parametrize("protocol", PROVABLE)
def test_every_protocol_passes_in_exact_arithmetic_with_experts(protocol: ProvableName) -> None:
    model = ExactModel.of(changed(), drawn_weights(changed()))
    report = audit(lambda: ProtocolScorer.exact(model, protocol, CONFIG, EXPERTS), OPTIONS)
    assert report.ok, [finding for finding in report.findings if not finding.passed]
    assert {finding.test for finding in report.findings} >= LOOKED_FOR


def test_a_model_that_looks_ahead_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = GPT.blocks

    def ahead(self: GPT, *arguments: object, **options: object) -> torch.Tensor:
        x = honest(self, *arguments, **options)  # type: ignore[arg-type]
        return x + 0.5 * x.roll(-1, dims=1) + 0.5 * x.roll(-2, dims=1)

    monkeypatch.setattr(GPT, "blocks", ahead)
    model = random_model(changed())
    report = audit(lambda: ProtocolScorer.of(model, "standard", CONFIG, TTT, LORA), OPTIONS)
    assert {"T2", "T3"} <= set(report.violated)
