"""A proof that is checked: what holds, and what every kind of tampering ends in."""

import json
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.proving.decoder_process import DecoderProcess
from bytegolf.proving.receipt import GOOD, UNDECODED
from bytegolf.proving.verify import verify_receipt
from bytegolf.sandbox import sandbox_available
from support.proved_texts import IN_PROCESS


def test_a_receipt_is_verified_by_its_files_alone(proof_folder: Path) -> None:
    assert verify_receipt(proof_folder / "receipt.json", DecoderProcess(isolated=sandbox_available())).verdict == GOOD


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bpb_claimed", 0.018),
        ("bits_claimed", 1.0),
        ("bpb_coded", 0.5),
        ("two_part_bpb", 0.5),
        ("text_bytes", 10**6),
        ("coded_bytes", 1),
        ("artifact_bytes", 0),
        ("two_part_bytes", 1),
        ("tokens", 3),
        ("bpb_model", 9.0),
        ("bpb_model", None),
        ("protocol", "streaming"),
        ("stride", 8),
        ("window", 128),
        ("experts", False),
        ("sha256", "0" * 64),
    ],
)
def test_a_receipt_that_was_changed_is_not_ok(copied_proof: Path, key: str, value: object) -> None:
    said = json.loads((copied_proof / "receipt.json").read_text())
    (copied_proof / "receipt.json").write_text(json.dumps({**said, key: value}))
    result = verify_receipt(copied_proof / "receipt.json", IN_PROCESS)
    assert not result.ok
    assert result.verdict == (UNDECODED if key == "sha256" else "the receipt says other numbers than its files")


@pytest.mark.parametrize("name", ["proof.bgc", "model.bgz"])
def test_files_that_were_changed_are_not_ok(copied_proof: Path, name: str) -> None:
    data = bytearray((copied_proof / name).read_bytes())
    data[-1] ^= 1
    (copied_proof / name).write_bytes(bytes(data))
    assert verify_receipt(copied_proof / "receipt.json", IN_PROCESS).verdict == f"{name} is not the file that the receipt is about"


@pytest.mark.parametrize("name", ["proof.bgc", "model.bgz"])
def test_a_missing_file_is_named(copied_proof: Path, name: str) -> None:
    (copied_proof / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: expected the file that .*receipt\.json is about, found none"):
        verify_receipt(copied_proof / "receipt.json", IN_PROCESS)


def test_a_proof_that_does_not_decode_is_not_ok(proof_folder: Path) -> None:
    class Failing:
        isolated = False

        def __call__(self, artifact: Path, proof: Path) -> None:
            return None

    assert verify_receipt(proof_folder / "receipt.json", Failing()).verdict == UNDECODED
