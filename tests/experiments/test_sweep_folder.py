"""Where a sweep may begin, and which one may go on."""

from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.experiments.sweep_folder import SweepFolder
from support.command_line import tree
from support.runs import micro

RECORD = {"data_sha256": "aa", "threads": 2, "more": "that is not read"}


def test_begin_and_continue(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path / "new")
    assert folder.require_same(micro(), "aa") is None
    folder.begin(micro(), RECORD)
    record = folder.require_same(micro(), "aa")
    assert record is not None and record.threads == 2


def test_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    assert SweepFolder(tmp_path).require_same(micro(), "aa") is None
    SweepFolder(tmp_path).begin(micro(), RECORD)
    assert SweepFolder(tmp_path).require_same(micro(), "aa") is not None


def test_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(InputError, match="expected a new folder, an empty one or a sweep"):
        SweepFolder(tmp_path).require_same(micro(), "aa")
    folder = SweepFolder(tmp_path / "new")
    folder.begin(micro(), RECORD)
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"found optim\.matrix_lr = 0\.5 instead of 0\.02; choose another folder"):
        folder.require_same(micro("optim.matrix_lr=0.5"), "aa")
    with pytest.raises(InputError, match="expected the data the sweep began with"):
        folder.require_same(micro(), "bb")
    assert tree(tmp_path) == before
    folder.record.write_text("[]")
    with pytest.raises(InputError, match=r"sweep\.json: expected the record of a sweep"):
        folder.require_same(micro(), "aa")
