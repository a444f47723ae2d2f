"""`prove`, `verify`, `compress` and `decompress`: their results, and the exit status of a bad verdict."""

import json
from pathlib import Path

from support.command_line import RunCli

PROVE = ("prove", "run/artifact.bgz", "--data", "data", "--protocol", "streaming", "--limit-bytes", "100", "--no-sandbox")
KEYS = {"ok", "protocol", "bpb_claimed", "bpb_coded", "coded_bytes", "text_bytes", "sha256", "artifact_bytes"}


def test_a_proof_is_verified_and_a_false_receipt_is_a_verdict(run_cli: RunCli, desk: Path) -> None:
    proved = run_cli(*PROVE, "--json").json
    assert set(proved) >= KEYS and (proved["ok"], proved["protocol"], proved["text_bytes"]) == (True, "streaming", 100)
    receipt = desk / "run" / "receipt.json"
    assert json.loads(receipt.read_text()) == proved
    shown = run_cli("verify", receipt, "--no-sandbox")
    assert shown.status == 0 and "ok: " in shown.out and f"{proved['bpb_claimed']:.6f} bits per byte" in shown.out

    receipt.write_text(json.dumps({**proved, "bpb_claimed": 0.018}))
    shown = run_cli("verify", receipt, "--no-sandbox", "--json")
    assert shown.status == 1 and "error" not in shown.err and json.loads(shown.out)["ok"] is False


def test_a_file_comes_back(run_cli: RunCli, desk: Path) -> None:
    text = b"a text that comes back\n"
    (desk / "notes.txt").write_bytes(text)
    coded = run_cli("compress", "run/artifact.bgz", "notes.txt", "notes.bgc", "--json").json
    assert coded["bytes_out"] == (desk / "notes.bgc").stat().st_size
    assert run_cli("decompress", "run/artifact.bgz", "notes.bgc", "again.txt").status == 0
    assert (desk / "again.txt").read_bytes() == text
