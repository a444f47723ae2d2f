"""A proof that is made: what the receipt says, and what ends in a bad verdict."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from bytegolf.arrays import Doubles
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import PROTOCOLS
from bytegolf.config import ExpertsConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import Frequencies
from bytegolf.experts.experts import Experts
from bytegolf.names import ProvableName
from bytegolf.proving.prove import prove_text
from bytegolf.proving.receipt import UNDECODED
from bytegolf.proving.verify import verify_receipt
from bytegolf.sandbox import sandbox_available
from bytegolf.scoring.ledger import Ledger
from bytegolf.storage.provenance import provenance
from support.proofs import artifact_file
from support.proved_texts import CONTENT, EXPERTS, IN_PROCESS, LONG_TEXT, TEXT, TOKENS, proved, settings_of


def test_a_receipt_says_what_there_is(proof_folder: Path) -> None:
    said = json.loads((proof_folder / "receipt.json").read_text())
    coded, model = (proof_folder / "proof.bgc").stat().st_size, (proof_folder / "model.bgz").stat().st_size
    assert (said["ok"], said["protocol"], said["text_bytes"], said["tokens"]) == (True, "sliding", len(CONTENT), len(TOKENS) - 1)
    assert (said["coded_bytes"], said["artifact_bytes"], said["two_part_bytes"]) == (coded, model, coded + model)
    assert said["bpb_coded"] == 8 * coded / len(CONTENT) and said["bpb_claimed"] == said["bits_claimed"] / len(CONTENT)
    assert abs(said["bits_claimed"] / 8 - coded) <= 0.0005 * coded + 64
    assert (said["window"], said["stride"], said["experts"]) == (64, 16, True) and said["bpb_model"] > 0
    assert any("trained on this text" in what for what in said["not_checked"])
    assert said["sandboxed"] is sandbox_available() and said["machine"] == provenance()
    for key, name in (("artifact_sha256", "model.bgz"), ("proof_sha256", "proof.bgc")):
        assert said[key] == hashlib.sha256((proof_folder / name).read_bytes()).hexdigest()
    assert said["sha256"] == hashlib.sha256(CONTENT).hexdigest() and list(said["seconds"]) == ["encode", "decode"]


@pytest.mark.parametrize("experts", [None, EXPERTS], ids=["alone", "with experts"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_proved_within_its_claim(tmp_path: Path, protocol: ProvableName, experts: ExpertsConfig | None) -> None:
    result = proved(artifact_file(tmp_path, experts=experts), LONG_TEXT, protocol)
    assert result.ok, result.verdict
    assert (result.bpb_model is None) == (experts is None)
    assert result.bpb_model is None or result.bpb_claimed < result.bpb_model, "the text repeats"
    assert verify_receipt(tmp_path / "receipt.json", IN_PROCESS).ok


def test_a_receipt_says_what_it_says_nothing_about(tmp_path: Path) -> None:
    packed = PackedModel(artifact_file(tmp_path))
    part = prove_text(packed, TEXT._replace(part=True), settings_of(packed, "standard"), IN_PROCESS)
    assert [what for what in part.not_checked if "behind the part" in what or "access to" in what]
    assert len(part.not_checked) == 5


def test_the_head_is_small_enough_for_the_slack(proof_folder: Path) -> None:
    claimed = json.loads((proof_folder / "receipt.json").read_text())["bits_claimed"]
    assert (proof_folder / "proof.bgc").stat().st_size - claimed / 8 < 62


def test_a_model_that_looks_ahead_does_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each state takes something on from the one after it: a claim that nobody could decode."""
    honest = ExactModel.logits

    def ahead(self: ExactModel, x: Doubles) -> Doubles:
        return honest(self, x + 0.1 * np.roll(x, -1, axis=0))

    monkeypatch.setattr(ExactModel, "logits", ahead)
    result = proved(artifact_file(tmp_path), TEXT, "sliding")
    assert (result.ok, result.verdict) == (False, UNDECODED)
    assert json.loads((tmp_path / "receipt.json").read_text())["ok"] is False


def test_experts_that_learn_before_they_predict_do_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder, which knows the text, shows them the token first."""
    honest, tokens = Experts.predict, iter(TOKENS[1:].tolist())

    def peeking(self: Experts, rows: Frequencies) -> Frequencies:
        honest(self, rows)
        token = next(tokens, None)
        if token is not None:
            self.update(np.array([token]))
        return honest(self, rows)

    monkeypatch.setattr(Experts, "predict", peeking)
    result = proved(artifact_file(tmp_path, experts=EXPERTS), TEXT, "sliding")
    assert (result.ok, result.verdict) == (False, UNDECODED)


@pytest.mark.parametrize("share", [0.5, 1.5])
def test_a_claim_of_another_size_is_not_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    honest = Ledger.record

    def record(self: Ledger, first: int, bits: Doubles, bits_model: Doubles | None = None) -> None:
        honest(self, first, share * bits, bits_model)

    monkeypatch.setattr(Ledger, "record", record)
    result = proved(artifact_file(tmp_path), LONG_TEXT, "standard")
    assert not result.ok and "were claimed" in result.verdict


def test_another_text_than_was_scored_is_not_ok(tmp_path: Path) -> None:
    other = TEXT._replace(content=TEXT.content[:-1] + b"?")
    assert proved(artifact_file(tmp_path), other, "standard").verdict == UNDECODED
