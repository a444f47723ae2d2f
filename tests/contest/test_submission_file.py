"""Claims against limits and logs."""

import json

import pytest

from bytegolf.contest.logs import read_log
from bytegolf.contest.submission_file import claimed_bpb, submission_findings

LOGS = [read_log("train.log", "val_loss:2.0727 val_bpb:1.2275")]


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({"val_bpb": 1.2275, "bytes_total": 16_000_000}, []),
        ({"val_bpb": 1.2275, "bytes_total": 16_000_001}, ["size"]),
        ({"val_bpb": 1.1, "bytes_total": None}, ["log-mismatch"]),
        ({"val_bpb": "1.1", "bytes_total": "many"}, []),
        ([], ["log-mismatch"]),
    ],
)
def test_claims(claims: object, rules: list[str]) -> None:
    assert [finding.rule for finding in submission_findings(json.dumps(claims), LOGS)] == rules


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"val_bpb": NaN}'])
def test_damaged_files_are_no_crash(text: str) -> None:
    submission_findings(text, LOGS)
    assert claimed_bpb(text) is None
