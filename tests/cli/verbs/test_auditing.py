"""`audit`, of a predictor and of data: their results, and the exit status of a bad verdict."""

import json
from pathlib import Path

import pytest

from support.command_line import RunCli
from support.overlapping import TEXTS, data_folder, edited

KEYS = {"ok", "exact_duplicates", "near_duplicates", "overlap_share"}

UNFAIR = """
import numpy as np

class Loud:
    vocab_size = 8
    def reset(self): pass
    def predict(self): return np.full(8, 0.5)
    def observe(self, tokens): pass
"""


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_violation_is_a_verdict(run_cli: RunCli, desk: Path, options: tuple[str, ...]) -> None:
    (desk / "unfair.py").write_text(UNFAIR)
    shown = run_cli("audit", "unfair:Loud", "--tokens", "16", "--noise-tokens", "64", "--no-sandbox", *options)
    assert shown.status == 1 and "error" not in shown.err
    assert json.loads(shown.out)["ok"] is False if options else "audit: violated" in shown.out


def test_clean_data(run_cli: RunCli, desk: Path) -> None:
    assert (found := run_cli("audit", "--data", "data", "--json").json).keys() >= KEYS
    assert found["ok"] is True and found["overlap_share"] == 0
    assert "no held-out document was found in training" in run_cli("audit", "--data", "data").out


def test_overlap_is_a_verdict(run_cli: RunCli, tmp_path: Path) -> None:
    folder = data_folder(tmp_path / "bytes", train=[TEXTS[0], edited(TEXTS[1]), TEXTS[2]], val=[TEXTS[0], TEXTS[1], TEXTS[3]])
    (folder / "val_copy.bin").write_bytes((folder / "val_000000.bin").read_bytes())
    shown = run_cli("audit", "--data", folder, "--tokenizer", "bytes")
    assert shown.status == 1 and "NOT OK" in shown.out and repr(TEXTS[0][:20])[:-1] in " ".join(shown.out.split())
    assert "val_000000.bin, val_copy.bin" in shown.out
    exact = json.loads(run_cli("audit", "--data", folder, "--tokenizer", "bytes", "--exact-only", "--json").out)
    assert exact["near_duplicates"] is None and exact["exact_duplicates"] == 2


@pytest.mark.parametrize("words", [(), ("a:b", "--data", "data")])
def test_one_of_the_two(run_cli: RunCli, words: tuple[str, ...]) -> None:
    assert "expected MODULE:FACTORY, or else --data DIR" in run_cli("audit", *words).error
