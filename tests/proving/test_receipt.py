"""A receipt: its numbers, its verdict, and what is no receipt."""

import json
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.proving.receipt import GOOD, UNDECODED, Receipt, figures, verdict
from bytegolf.scoring.ledger import Score

CLAIM = Score("sliding", bits=80_000.0, bytes=40_000, tokens=9_000)


def test_figures_follow_from_the_score_and_the_sizes() -> None:
    found = figures(CLAIM, coded_bytes=10_010, artifact_bytes=20_000)
    assert (found.bpb_claimed, found.bpb_coded, found.two_part_bpb) == (2.0, 8 * 10_010 / 40_000, 8 * 30_010 / 40_000)
    assert (found.bits_claimed, found.text_bytes, found.tokens) == (80_000.0, 40_000, 9_000)
    assert (found.coded_bytes, found.artifact_bytes, found.two_part_bytes) == (10_010, 20_000, 30_010)


@pytest.mark.parametrize(("coded_bytes", "good"), [(10_000, True), (10_069, True), (9_931, True), (10_070, False), (9_930, False)])
def test_a_size_may_differ_by_half_a_thousandth_and_64_bytes(coded_bytes: int, good: bool) -> None:
    assert (verdict(CLAIM, coded_bytes, decodes=True) == GOOD) == good
    assert verdict(CLAIM, coded_bytes, decodes=False) == UNDECODED


def test_a_receipt_comes_back(proof_folder: Path) -> None:
    receipt = Receipt.read(proof_folder / "receipt.json")
    assert receipt.to_json() == json.loads((proof_folder / "receipt.json").read_text())
    bad = receipt.with_verdict(UNDECODED)
    assert (bad.ok, bad.verdict) == (False, UNDECODED) and bad.with_verdict(GOOD) == receipt


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("bpb_claimed", "0.018"), ("bpb_claimed", None), ("tokens", -1), ("tokens", 10**400), ("ok", "yes"), ("protocol", "sliding2")),
        *(("protocol", "ttt"), ("window", None), ("stride", -1), ("stride", 10**20), ("experts", 2), ("not_checked", "nothing")),
        *(("seconds", {"decode": "long"}), ("artifact", ""), ("artifact", ".."), ("proof", "a\0"), ("surprise", 1)),
    ],
)
def test_a_receipt_with_a_value_that_is_none_is_refused(proof_folder: Path, tmp_path: Path, key: str, value: object) -> None:
    """The key is named."""
    said = json.loads((proof_folder / "receipt.json").read_text())
    (tmp_path / "receipt.json").write_text(json.dumps({**said, key: value}))
    with pytest.raises(InputError, match=rf"receipt\.json: expected a receipt, .*, found {key}"):
        Receipt.read(tmp_path / "receipt.json")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_what_is_no_receipt_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "receipt.json").write_text(content)
    with pytest.raises(InputError, match=r"receipt\.json: expected"):
        Receipt.read(tmp_path / "receipt.json")
