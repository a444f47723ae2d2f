"""The protocols of scoring pass the audit, and a model that looks ahead does not."""

import pytest
import torch

from bytegolf.auditing.audit import audit
from bytegolf.auditing.bench import AuditOptions
from bytegolf.auditing.protocol_scorer import ProtocolScorer
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.scoring.protocols import PROTOCOLS
from support.models import changed, random_model

OPTIONS = AuditOptions(tokens=24, noise_tokens=120, num_places=2, max_scorings=500)
CONFIG = ScoreConfig(window=8, stride=4, batch_tokens=8)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_passes(protocol: ProtocolName) -> None:
    model = random_model(changed(isolate_documents=False))
    ttt = TttConfig(lr=0.5, chunk_tokens=8, epochs=1, batch_sequences=1)
    report = audit(lambda: ProtocolScorer(model, protocol, CONFIG, ttt), OPTIONS)
    assert report.ok, [finding for finding in report.findings if not finding.passed]
    assert {"T2", "T3", "T4", "T5", "T8", "T10", "T11", "T12"} <= {finding.test for finding in report.findings}


def test_a_model_that_looks_ahead_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = GPT.blocks

    def ahead(self: GPT, *arguments: object, **options: object) -> torch.Tensor:
        x = honest(self, *arguments, **options)  # type: ignore[arg-type]
        return x + 0.5 * x.roll(-1, dims=1) + 0.5 * x.roll(-2, dims=1)

    monkeypatch.setattr(GPT, "blocks", ahead)
    model = random_model(changed())
    report = audit(lambda: ProtocolScorer(model, "standard", CONFIG, TttConfig()), OPTIONS)
    assert {"T2", "T3"} <= set(report.violated)
