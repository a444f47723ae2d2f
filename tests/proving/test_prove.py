"""A proof that is made: what the receipt says, and what ends in a bad verdict."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bytegolf.coding.packed_model import PackedModel
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.prove import prove_text
from bytegolf.proving.receipt import UNDECODED
from bytegolf.proving.verify import verify_receipt
from bytegolf.sandbox import sandbox_available
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.storage.provenance import provenance
from support.proofs import artifact_file
from support.proved_texts import CONTENT, IN_PROCESS, LONG_TEXT, TEXT, TOKENS, proved, settings_of


def test_a_receipt_says_what_there_is(proof_folder: Path) -> None:
    said = json.loads((proof_folder / "receipt.json").read_text())
    coded, model = (proof_folder / "proof.bgc").stat().st_size, (proof_folder / "model.bgz").stat().st_size
    assert (said["ok"], said["protocol"], said["text_bytes"], said["tokens"]) == (True, "sliding", len(CONTENT), len(TOKENS) - 1)
    assert (said["coded_bytes"], said["artifact_bytes"], said["two_part_bytes"]) == (coded, model, coded + model)
    assert said["bpb_coded"] == 8 * coded / len(CONTENT) and said["bpb_claimed"] == said["bits_claimed"] / len(CONTENT)
    assert abs(said["bits_claimed"] / 8 - coded) <= 0.001 * coded + 64
    assert said["sandboxed"] is sandbox_available() and said["machine"] == provenance()
    for key, name in (("artifact_sha256", "model.bgz"), ("proof_sha256", "proof.bgc")):
        assert said[key] == hashlib.sha256((proof_folder / name).read_bytes()).hexdigest()
    assert said["sha256"] == hashlib.sha256(CONTENT).hexdigest() and list(said["seconds"]) == ["score", "encode", "decode"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_proved_within_its_claim(tmp_path: Path, protocol: ProtocolName) -> None:
    """And the claim is the score, whatever windows are scored at once."""
    path = artifact_file(tmp_path)
    result = proved(path, LONG_TEXT, protocol)
    assert result.ok, result.verdict
    assert verify_receipt(tmp_path / "receipt.json", IN_PROCESS).ok
    if protocol == "ttt":
        assert result.bits_claimed != pytest.approx(proved(path, LONG_TEXT, "sliding").bits_claimed, rel=1e-5)


def test_the_head_is_small_enough_for_the_slack(proof_folder: Path) -> None:
    claimed = json.loads((proof_folder / "receipt.json").read_text())["bits_claimed"]
    assert (proof_folder / "proof.bgc").stat().st_size - claimed / 8 < 62


class Knowing:
    """Decodes without the file."""

    isolated = False

    def __call__(self, artifact: Path, proof: Path, output: str = "text") -> bytes:
        return TEXT.content


def test_the_artifact_is_decoded_and_its_model_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = PackedModel(artifact_file(tmp_path))
    built: list[GPT] = []
    plain = GPT.__init__

    def build(self: GPT, *arguments: object, **options: object) -> None:
        built.append(self)
        plain(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(GPT, "__init__", build)
    prove_text(packed, TEXT, settings_of(packed, "sliding"), Knowing())
    assert len(built) == 1


def test_a_model_that_looks_ahead_does_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each state takes something on from the one after it: a claim that nobody could decode."""
    honest = GPT.blocks

    def ahead(self: GPT, *arguments: object, **options: object) -> torch.Tensor:
        x = honest(self, *arguments, **options)  # type: ignore[arg-type]
        return x + 0.1 * torch.cat((x[:, 1:], x[:, -1:]), dim=1)

    monkeypatch.setattr(GPT, "blocks", ahead)
    result = proved(artifact_file(tmp_path), TEXT, "sliding")
    assert (result.ok, result.verdict) == (False, UNDECODED)
    assert json.loads((tmp_path / "receipt.json").read_text())["ok"] is False


@pytest.mark.parametrize("share", [0.5, 1.5])
def test_a_claim_of_another_size_is_not_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    honest = GPT.nats

    def nats(self: GPT, x_BTD: Tensor, targets_BT: Tensor) -> Tensor:
        return share * honest(self, x_BTD, targets_BT)

    monkeypatch.setattr(GPT, "nats", nats)  # scores by it, codes by the logits
    result = proved(artifact_file(tmp_path), LONG_TEXT, "standard")
    assert not result.ok and "were claimed" in result.verdict


def test_another_text_than_was_scored_is_not_ok(tmp_path: Path) -> None:
    other = TEXT._replace(content=TEXT.content[:-1] + b"?")
    assert proved(artifact_file(tmp_path), other, "standard").verdict == UNDECODED
