"""The verb report: what it shows of runs that change, and what it gives back."""

import re
import shutil
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import InputError


def title(page: Path) -> str:
    found = re.search("<h1>(.*?)</h1>", page.read_text())
    assert found is not None
    return found[1]


def test_a_run_in_the_current_folder_has_a_name(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied)
    result = bg.report([Path()], Path("page.html"))
    assert title(copied / "page.html") == "copied" and result.to_json() == {
        "report": "page.html", "runs": ["copied"], "unfinished": [], "left_out": []
    }  # fmt: skip


def test_the_score_of_an_artifact_that_was_replaced_is_not_reported(copied: Path, data: Path, tmp_path: Path) -> None:
    bg.score(copied / "artifact.bgz", data, "sliding")
    bg.report([copied], tmp_path / "page.html")
    assert "Bits per byte are the sliding score of artifact.bgz." in (tmp_path / "page.html").read_text()
    bg.pack(copied, budget=20_000)
    bg.report([copied], tmp_path / "page.html")
    assert "sliding score of artifact.bgz" not in (tmp_path / "page.html").read_text()


def test_a_run_that_is_killed_and_one_that_is_damaged(run: Path, tmp_path: Path) -> None:
    """In a folder of runs; alone, the damaged one is refused."""
    for name in ("killed", "damaged"):
        shutil.copytree(run, tmp_path / "runs" / name)
    (tmp_path / "runs" / "killed" / "manifest.json").unlink()
    (tmp_path / "runs" / "damaged" / "log.jsonl").write_text("words")
    result = bg.report([tmp_path / "runs"], tmp_path / "page.html")
    assert result.runs == result.unfinished == ["killed"] and title(tmp_path / "page.html") == "killed"
    assert (
        len(result.left_out) == 1
        and "damaged/log.jsonl" in result.left_out[0]
        and "damaged/log.jsonl" in (tmp_path / "page.html").read_text()
    )
    with pytest.raises(InputError, match="expected an event in line 1"):
        bg.report([tmp_path / "runs" / "damaged"], tmp_path / "page.html")


def test_budgets_that_were_tried_are_drawn(copied: Path, data: Path, tmp_path: Path) -> None:
    """Each packing that was scored is kept, wherever its file went."""
    bg.pack(copied, budget=20_000, data=data, out=tmp_path / "small.bgz")
    bg.report([copied], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Bits per byte against the budget" in page and ">20,000</td>" in page and ">30,000</td>" in page
