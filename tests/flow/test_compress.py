"""The verbs compress and decompress, as a user meets them."""

import json
import sys
from pathlib import Path

import pytest

from bytegolf.cli import app as cli
from support.proofs import SENTENCES, artifact_file

TEXT = "\n".join(SENTENCES[:15]).encode()


def test_the_verbs_bring_a_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    artifact_file(tmp_path)
    (tmp_path / "in").write_bytes(TEXT[:200])
    monkeypatch.chdir(tmp_path)

    def status(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["bytegolf", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    assert status("compress", "model.bgz", "in", "coded") == 0
    assert json.loads(capsys.readouterr().out)["bytes_in"] == 200
    assert status("decompress", "model.bgz", "coded", "out") == 0
    assert (tmp_path / "out").read_bytes() == TEXT[:200]
    assert status("decompress", "model.bgz", "in", "other") == 2 and not (tmp_path / "other").exists()
    assert status("compress", "in", "in", "other") == 2
    assert status("compress", "model.bgz", "nothing", "other") == 2
