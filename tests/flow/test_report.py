"""The verb report: runs keep their names, and scores their artifact."""

import re
import shutil
from pathlib import Path

import pytest

import bytegolf as bg


def header_cells(page: Path) -> list[str]:
    """Of the summary table, but for its empty corner."""
    return re.findall("<th>(.*?)</th>", page.read_text().split("<table>")[1].split("</tr>")[0])[1:]


def test_runs_of_one_name_stay_apart(run: Path, tmp_path: Path) -> None:
    """`a/run` and `b/run`: plotly would stack the bars of one name on each other."""
    for name in "ab":
        shutil.copytree(run, tmp_path / name / "run")
    bg.report([tmp_path / "a" / "run", tmp_path / "b" / "run"], tmp_path / "page.html")
    cells = header_cells(tmp_path / "page.html")
    assert len(cells) == len(set(cells)) == 2


def test_a_run_in_the_current_folder_has_a_name(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied)
    bg.report([Path()], Path("page.html"))
    assert header_cells(copied / "page.html") == ["copied"]


def test_the_score_of_an_artifact_that_was_replaced_is_not_reported(copied: Path, data: Path, tmp_path: Path) -> None:
    bg.score(copied / "artifact.bgz", data, "sliding")
    bg.report([copied], tmp_path / "page.html")
    assert "artifact.bgz: sliding" in (tmp_path / "page.html").read_text()
    bg.pack(copied, budget=20_000)
    bg.report([copied], tmp_path / "page.html")
    assert "artifact.bgz: sliding" not in (tmp_path / "page.html").read_text()
