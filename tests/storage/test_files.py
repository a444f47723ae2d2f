"""Files and folders appear whole or not at all, and an error names the one that was asked for."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, chdir, contextmanager
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.storage.files import atomic_file, atomic_folder, clear_partial, sha256_of, write_atomically, write_json


class Killed(BaseException):
    """Ctrl-C, a full disk, anything."""


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@contextmanager
def nothing_changes(folder: Path, error: type[BaseException]) -> Iterator[None]:
    before = tree(folder)
    with pytest.raises(error):
        yield
    assert tree(folder) == before


# --- files


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    with atomic_file(path) as file:
        file.write(b"some")
        file.flush()
        assert not path.exists()
        file.write(b" text")
    assert tree(tmp_path / "new" / "folder") == {"file": b"some text"}


def test_a_file_is_replaced_when_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert tree(tmp_path) == {"file": b"new"}


@pytest.mark.parametrize("error", [Killed, OSError, ValueError])
@pytest.mark.parametrize("old", [b"old", None])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: type[BaseException], old: bytes | None) -> None:
    if old is not None:
        (tmp_path / "file").write_bytes(old)
    with nothing_changes(tmp_path, error), atomic_file(tmp_path / "file") as file:
        file.write(b"half of")
        raise error


@pytest.mark.parametrize("atomic", [atomic_file, atomic_folder])
@pytest.mark.parametrize("name", [None, "partial", "partial/inner"])
def test_an_error_names_what_was_to_be_written(
    tmp_path: Path, atomic: Callable[[Path], AbstractContextManager[object]], name: str | None
) -> None:
    """As it was asked for: a full disk names nothing, a failing rename the temporary file."""
    with chdir(tmp_path), pytest.raises(OSError, match="No space left") as caught, atomic(Path("taken")):
        (partial,) = tmp_path.iterdir()
        raise OSError(28, "No space left on device", name and name.replace("partial", str(partial)))
    assert caught.value.filename == "taken"


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "file"):
        (tmp_path / "source").read_bytes()
    assert caught.value.filename == str(tmp_path / "source")


def test_what_killed_processes_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".step-00000001.7.partial" / "deep").mkdir(parents=True)
    (tmp_path / ".step-00000001.7.partial" / "deep" / "file").touch()
    (tmp_path / ".weights.safetensors.9.partial").touch()
    (tmp_path / "other").mkdir()
    others = {"partial", "a.partial", ".hidden", "other/.file.8.partial"}
    for name in others:
        (tmp_path / name).touch()
    clear_partial(tmp_path)
    assert set(tree(tmp_path)) == {*others, "other"}
    clear_partial(tmp_path / "none")


def test_the_old_file_stays_until_the_very_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no instant without a file: neither is removed first."""
    (tmp_path / "file").write_bytes(b"old")

    def failing(*arguments: object) -> None:
        raise OSError("no renaming today")

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, failing)
    with nothing_changes(tmp_path, OSError):
        write_atomically(tmp_path / "file", b"new")


def test_what_another_attempt_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    """A process that was killed, and one of the same id after it."""
    (tmp_path / f".file.{os.getpid()}.partial").write_bytes(b"a longer text than the new one")
    write_atomically(tmp_path / "file", b"new")
    assert tree(tmp_path) == {"file": b"new"}


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "é\n")
    write_atomically(tmp_path / "b", "é\n".encode())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == "é\n".encode()


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    """Not the temporary file, which the user has never heard of."""
    (tmp_path / "taken").mkdir()
    with pytest.raises((InputError, OSError)) as caught, atomic_file(tmp_path / "taken") as file:
        file.write(b"text")
    shown = caught.value.filename if isinstance(caught.value, OSError) else str(caught.value)
    assert "taken" in shown and "partial" not in shown
    assert tree(tmp_path) == {"taken": None}


def test_the_current_folder_is_no_file(tmp_path: Path) -> None:
    with chdir(tmp_path), pytest.raises((InputError, OSError)):
        write_atomically(Path(), b"text")


# --- folders


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder"
    with atomic_folder(path) as partial:
        (partial / "a").write_bytes(b"1")
        assert not path.exists()
    assert tree(tmp_path) == {"new": None, "new/folder": None, "new/folder/a": b"1"}


@pytest.mark.parametrize("error", [Killed, OSError, ValueError])
def test_an_error_leaves_the_old_folder(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"old")
    with nothing_changes(tmp_path, error), atomic_folder(tmp_path / "folder") as partial:
        (partial / "a").write_bytes(b"half of")
        raise error


def test_an_error_leaves_no_folder(tmp_path: Path) -> None:
    with nothing_changes(tmp_path, Killed), atomic_folder(tmp_path / "folder") as partial:
        (partial / "a").write_bytes(b"half of")
        raise Killed


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_bytes(b"1")
    with atomic_folder(tmp_path / "folder") as partial:
        (partial / "new").write_bytes(b"2")
        assert (tmp_path / "folder" / "old").exists()
    assert tree(tmp_path) == {"folder": None, "folder/new": b"2"}


def test_an_abandoned_partial_folder_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / f".folder.{os.getpid()}.partial"
    left.mkdir()
    (left / "old").write_bytes(b"1")
    with atomic_folder(tmp_path / "folder") as partial:
        (partial / "new").write_bytes(b"2")
    assert tree(tmp_path) == {"folder": None, "folder/new": b"2"}


@pytest.mark.parametrize("name", [".", "./", "../here"])
def test_the_current_folder_can_be_filled(tmp_path: Path, name: str) -> None:
    """`--out .` in a folder made for the purpose."""
    (tmp_path / "here").mkdir()
    with chdir(tmp_path / "here"), atomic_folder(Path(name)) as partial:
        (partial / "a").write_bytes(b"1")
    assert tree(tmp_path) == {"here": None, "here/a": b"1"}


def test_a_relative_folder(tmp_path: Path) -> None:
    with chdir(tmp_path), atomic_folder(Path("a/b")) as partial:
        (partial / "c").write_bytes(b"1")
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/c": b"1"}


# --- JSON and hashes


def test_json_reads_back(tmp_path: Path) -> None:
    value = {"text": "é \n", "number": 0.1 + 0.2, "none": None, "list": [1, 2]}
    write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text()) == value
    assert (tmp_path / "a.json").read_bytes().endswith(b"}\n")


def test_a_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
