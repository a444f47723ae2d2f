"""A proof, made and checked: what holds, and what every kind of tampering ends in."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import bytegolf as bg
from bytegolf.artifact.container import read_artifact
from bytegolf.coding.bgc_file import SHORT, digest
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving import proof_file as proof
from bytegolf.proving import receipt
from bytegolf.proving.proof_file import Proof, text_of
from bytegolf.proving.receipt import Receipt, check_receipt, prove_text
from bytegolf.sandbox import sandbox_available
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.storage.provenance import provenance
from bytegolf.text.prepare import prepare_text
from support.proofs import SENTENCES, artifact_file, own

TTT = TttConfig(chunk_tokens=80)
TEXT = "".join(SENTENCES[:5]).encode()
TOKENS = np.concatenate(([1], own().encode(TEXT.decode()))).astype(np.uint16)
LONG = (np.tile(TOKENS, 4), TEXT * 4)

SANDBOX = sandbox_available()


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder without a process of its own, which takes seconds to start."""

    def decoded(model: Path, path: Path, *, output: str = "text", **_: object) -> bytes | None:
        artifact = read_artifact(model.read_bytes())
        try:
            tokens = Proof.read(path.read_bytes(), artifact, digest(model.read_bytes(), SHORT), str(path), lambda _: None)
        except InputError:
            return None
        return tokens.astype("<u2").tobytes() if output == "tokens" else text_of(artifact, tokens)

    monkeypatch.setattr(receipt, "_decoded", decoded)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a proof and its receipt, made in the sandbox where there is one. Read only."""
    folder = tmp_path_factory.mktemp("proved")
    result = prove_text(artifact_file(folder), TOKENS, TEXT, "sliding", TttConfig(), isolated=SANDBOX)
    assert result.ok, result.verdict
    return folder


@pytest.fixture
def copied(proved: Path, tmp_path: Path) -> Path:
    return shutil.copytree(proved, tmp_path / "copied")


def test_a_receipt_says_what_there_is(proved: Path) -> None:
    said = json.loads((proved / "receipt.json").read_text())
    coded, model = (proved / "proof.bgc").stat().st_size, (proved / "model.bgz").stat().st_size
    assert (said["ok"], said["protocol"], said["text_bytes"], said["tokens"]) == (True, "sliding", len(TEXT), len(TOKENS) - 1)
    assert (said["coded_bytes"], said["artifact_bytes"], said["two_part_bytes"]) == (coded, model, coded + model)
    assert said["bpb_coded"] == 8 * coded / len(TEXT) and said["bpb_claimed"] == said["bits_claimed"] / len(TEXT)
    assert abs(said["bits_claimed"] / 8 - coded) <= 0.001 * coded + 64
    assert said["sandboxed"] is SANDBOX and said["machine"] == provenance()


def test_a_receipt_is_verified_by_its_files_alone(proved: Path) -> None:
    assert check_receipt(proved / "receipt.json", isolated=SANDBOX).ok


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_is_proved_within_its_claim(tmp_path: Path, protocol: ProtocolName) -> None:
    """And the claim is the score, whatever windows are scored at once."""
    path = artifact_file(tmp_path)
    result = prove_text(path, *LONG, protocol, TTT)
    assert result.ok, result.verdict
    assert check_receipt(tmp_path / "receipt.json").ok
    if protocol == "ttt":
        assert result.bits_claimed != pytest.approx(prove_text(path, *LONG, "sliding", TTT).bits_claimed, rel=1e-5)


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bpb_claimed", 0.018),
        ("bits_claimed", 1.0),
        ("bpb_coded", 0.5),
        ("two_part_bpb", 0.5),
        ("text_bytes", 10**6),
        ("tokens", 3),
        ("sha256", "0" * 64),
    ],
)
def test_a_receipt_that_was_changed_is_not_ok(copied: Path, key: str, value: object) -> None:
    said = json.loads((copied / "receipt.json").read_text())
    (copied / "receipt.json").write_text(json.dumps({**said, key: value}))
    assert not check_receipt(copied / "receipt.json").ok


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("name", ["proof.bgc", "model.bgz"])
def test_files_that_were_changed_are_not_ok(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[-1] ^= 1
    (copied / name).write_bytes(bytes(data))
    assert check_receipt(copied / "receipt.json").verdict == f"{name} is not the file that the receipt is about"


def test_a_damaged_proof_is_refused(proved: Path) -> None:
    model, sound = (proved / "model.bgz").read_bytes(), (proved / "proof.bgc").read_bytes()
    artifact = read_artifact(model)
    rng = np.random.default_rng(0)
    damaged = [sound[:cut] for cut in range(0, len(sound), 40)] + [sound + bytes(4)]
    places = rng.choice(len(sound), 24, replace=False)
    damaged += [sound[:place] + bytes([sound[place] ^ 1 << rng.integers(8)]) + sound[place + 1 :] for place in places]
    for data in damaged:
        with pytest.raises(InputError, match=r"proof\.bgc: expected"):
            Proof.read(data, artifact, digest(model, SHORT), "proof.bgc", lambda _: None)


@pytest.mark.usefixtures("in_process")
def test_a_model_that_looks_ahead_does_not_decode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each state takes something on from the one after it: a claim that nobody could decode."""
    honest = GPT.blocks

    def ahead(self: GPT, *arguments: object, **options: object) -> torch.Tensor:
        x = honest(self, *arguments, **options)  # type: ignore[arg-type]
        return x + 0.1 * torch.cat((x[:, 1:], x[:, -1:]), dim=1)

    monkeypatch.setattr(GPT, "blocks", ahead)
    result = prove_text(artifact_file(tmp_path), TOKENS, TEXT, "sliding", TTT)
    assert (result.ok, result.verdict) == (False, receipt.UNDECODED)
    assert json.loads((tmp_path / "receipt.json").read_text())["ok"] is False


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize("share", [0.5, 1.5])
def test_a_claim_of_another_size_is_not_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    honest = receipt._claim
    monkeypatch.setattr(
        receipt, "_claim", lambda *arguments: (score := honest(*arguments)).__class__(**{**vars(score), "bits": score.bits * share})
    )
    result = prove_text(artifact_file(tmp_path), *LONG, "standard", TTT)
    assert not result.ok and "were claimed" in result.verdict


@pytest.mark.usefixtures("in_process")
def test_another_text_than_was_scored_is_not_ok(tmp_path: Path) -> None:
    assert prove_text(artifact_file(tmp_path), TOKENS, TEXT[:-1] + b"?", "standard", TTT).verdict == receipt.UNDECODED


def test_the_head_is_small_enough_for_the_slack(proved: Path) -> None:
    assert len((proved / "proof.bgc").read_bytes()) - json.loads((proved / "receipt.json").read_text())["bits_claimed"] / 8 < 62


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_what_is_no_receipt_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "receipt.json").write_text(content)
    with pytest.raises(InputError, match=r"receipt\.json: expected"):
        Receipt.read(tmp_path / "receipt.json")


@pytest.mark.usefixtures("in_process")
def test_the_verb_proves_held_out_text(tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    for i in range(6):
        (texts / f"{i}.txt").write_text(SENTENCES[i] * 3)
    (tmp_path / "t.model").write_bytes(own().serialised)
    prepare_text([str(texts)], tmp_path / "data", tokenizer=tmp_path / "t.model", val_docs=2)
    result = bg.prove(artifact_file(tmp_path), tmp_path / "data", "streaming", limit_bytes=100)
    assert result.ok and 90 <= result.text_bytes <= 100
    assert proof.PROTOCOLS.index(result.protocol) == 2
    assert bg.verify(tmp_path / "receipt.json").ok
