"""A folder appears when it is complete; what is on record of an interrupted one is kept, and nothing else."""

import os
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.storage import unfinished as module
from bytegolf.storage.unfinished import UnfinishedFolder


class Interrupted(BaseException):
    pass


def fill(path: Path, name: str, record: bool = False, end: BaseException | None = None) -> None:
    folder = UnfinishedFolder(path)
    with folder.filling() as content:
        (content / name).write_text(name)
        if record:
            folder.record.write_text("{}")
        if end:
            raise end


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_complete_it_appears_and_nothing_is_left(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "data", "a", record=True)
    assert names(tmp_path) == {"deep/data/a"}
    fill(tmp_path / "deep" / "data", "b")
    assert names(tmp_path) == {"deep/data/b"}


def test_without_a_record_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        fill(tmp_path / "data", "a", end=Interrupted())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".data.unfinished" / "content").mkdir(parents=True)
    (tmp_path / ".data.unfinished" / "content" / "of a killed process").touch()
    fill(tmp_path / "data", "b")
    assert names(tmp_path) == {"data/b"}


def test_with_a_record_the_next_attempt_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Interrupted):
        fill(tmp_path / "data", "a", record=True, end=Interrupted())
    assert names(tmp_path) == {".data.unfinished/record.json", ".data.unfinished/content/a"}
    assert f"{tmp_path / 'data'}: unfinished; the same command goes on with it" in capsys.readouterr().err
    fill(tmp_path / "data", "b")
    assert names(tmp_path) == {"data/a", "data/b"}


def test_a_folder_filled_in_place_is_completed_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mount is: its files come one by one, and those that are there already are taken back before more are written."""
    target = tmp_path / "mount"
    target.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == target)

    def publish_a_part(complete: Path, place: Path) -> None:
        (complete / "a").replace(place / "a")
        raise Interrupted

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(module, "publish_folder", publish_a_part)
        fill(target, "a", record=True)
    assert names(target) == {"a", ".unfinished/record.json"}
    fill(target, "b")
    assert names(target) == {"a", "b"}


def test_errors_name_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: expected a folder or nothing, found a file"):
        fill(tmp_path / "file", "a")
    with pytest.raises(OSError) as raised, UnfinishedFolder(tmp_path / "data").filling() as content:
        (content / "missing").read_bytes()
    assert raised.value.filename == str(tmp_path / "data")
    assert names(tmp_path) == {"file"}
