"""An output belongs to one process at a time, and what cannot be written is refused before the work."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bytegolf.errors import InputError, ParameterError
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import atomic_file, atomic_folder, write_atomically
from support.command_line import tree
from support.runs import environment

HOLD = """
import sys, time
from pathlib import Path
from bytegolf.storage.claim import claimed

with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(path: Path) -> subprocess.Popen[str]:
    """A process that has claimed a path."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], env=environment(), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_claim_ends_with_its_owner(tmp_path: Path, number: signal.Signals) -> None:
    """However that ends. Until then it is refused, and the line names the owner."""
    process = hold(tmp_path / "out")
    try:
        with (
            pytest.raises(InputError, match=rf"out: expected .*, found it in use by process {process.pid} on \S+, since "),
            claimed(tmp_path / "out"),
        ):
            pass
        with claimed(tmp_path / "other"):
            pass
    finally:
        process.send_signal(number)
        process.wait()
    with claimed(tmp_path / "out"):
        write_atomically(tmp_path / "out", b"mine")
    assert tree(tmp_path) == {"out": b"mine"}


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_of_many_at_a_time(tmp_path: Path) -> None:
    """Threads that try again and again never hold it together, though each one removes the lock file."""
    holders, most = 0, 0

    def work() -> None:
        nonlocal holders, most
        for _ in range(200):
            try:
                with claimed(tmp_path / "out"):
                    holders += 1
                    most = max(most, holders)
                    holders -= 1
            except InputError:
                continue

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and tree(tmp_path) == {}


def test_neighbours_in_a_new_folder(tmp_path: Path) -> None:
    """Each makes the folders that are missing and removes those that it made, without taking them from the others."""
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for _ in range(300):
                with claimed(tmp_path / "a" / "b" / name):
                    assert (tmp_path / "a" / "b").is_dir()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_killed_processes_left_of_it_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".out.123.partial").write_bytes(b"half")
    (tmp_path / ".out.124.partial").mkdir()
    others = (".out.bgz.123.partial", ".about.5.partial", ".out.partial")
    for name in others:
        (tmp_path / name).write_bytes(b"of another")
    with claimed(tmp_path / "out"):
        pass
    assert tree(tmp_path).keys() == {*others}


@pytest.mark.parametrize("filled", [False, True])
def test_folders_made_for_it_stay_only_if_they_are_filled(tmp_path: Path, filled: bool) -> None:
    with claimed(tmp_path / "a" / "b" / "out"):
        if filled:
            write_atomically(tmp_path / "a" / "b" / "out", b"")
    assert tree(tmp_path).keys() == ({"a", "a/b", "a/b/out"} if filled else set())


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("folder", False, "expected a file or nothing, found a folder"),
        ("file", True, "expected a folder or nothing, found a file"),
        ("file/out", False, "expected a folder that can be written, found a file"),
        ("file/deep/out", True, "expected a folder that can be written, found a file"),
        ("fifo", False, "expected a pipe that somebody reads, found no reader"),
        ("fifo", True, "expected a folder or nothing, found a stream"),
    ],
)
def test_what_cannot_be_written(tmp_path: Path, name: str, folder: bool, expected: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=expected), claimed(tmp_path / name, folder=folder):
        pytest.fail("nothing is claimed")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_input_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"text")
    (tmp_path / "link").symlink_to("in")
    with (
        pytest.raises(ParameterError, match=r"out: expected another file than .*in, which is read"),
        claimed(tmp_path / "link", tmp_path / "none", tmp_path / "in"),
    ):
        pytest.fail("nothing is claimed")


# --- streams


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """Its reader gets the content once that is complete, and no end of file before."""
    fifo, received = tmp_path / "fifo", list[bytes]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()), daemon=True)
    reader.start()
    with claimed(fifo), atomic_file(fifo) as file:
        file.write(b"some")
        file.write(b" text")
        assert received == []
    reader.join(30)
    assert received == [b"some text"] and fifo.is_fifo() and tree(tmp_path).keys() == {"fifo"}


def test_a_pipe_gets_nothing_half_made(tmp_path: Path) -> None:
    fifo, received = tmp_path / "fifo", list[bytes]()
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: received.append(fifo.read_bytes()), daemon=True)
    reader.start()
    with pytest.raises(ValueError), claimed(fifo), atomic_file(fifo) as file:
        file.write(b"some")
        raise ValueError
    reader.join(30)
    assert received == [b""]


@pytest.mark.parametrize("redirection", ["> kept", ">> kept", "| cat > kept", "1<> kept"])
@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_stdout_is_written_where_it_stands(tmp_path: Path, redirection: str, path: str) -> None:
    """Not truncated, not replaced: what the shell has written there before stays before it."""
    code = "import sys; from pathlib import Path; from bytegolf.storage.files import write_atomically as w; w(Path(sys.argv[1]), b'text')"
    script = f'(printf before; "$@"; printf after) {redirection}'
    command = ["sh", "-ec", script, "sh", sys.executable, "-c", code, path]
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True)
    assert tree(tmp_path) == {"kept": b"beforetextafter"}


def test_a_folder_that_cannot_be_replaced_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a mount: the file that was written last appears last."""
    (tmp_path / "mount").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "mount")
    with claimed(tmp_path / "mount", folder=True):
        with pytest.raises(ValueError), atomic_folder(tmp_path / "mount") as partial:
            (partial / "half").touch()
            raise ValueError
        with atomic_folder(tmp_path / "mount") as partial:
            for name in ("b", "a", "manifest"):
                (partial / name).write_text(name)
            assert not (tmp_path / "mount" / "b").exists()
    assert tree(tmp_path) == {"mount": None, "mount/a": b"a", "mount/b": b"b", "mount/manifest": b"manifest"}
