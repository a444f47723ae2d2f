"""How far a cell is."""

import json
from pathlib import Path

import pytest

from bytegolf.experiments.progress import TRAINED, share_done
from bytegolf.storage.run_folder import RunFolder


def test_share_done(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert share_done(run) == 0
    run.log.write_text("")
    assert share_done(run) == 0
    events = [{"event": "step", "step": step, "progress": step / 200} for step in range(100)]
    run.log.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"event": "st')
    assert share_done(run) == pytest.approx(TRAINED * 99 / 200)
    run.manifest.write_text("{}")
    assert share_done(run) == TRAINED
