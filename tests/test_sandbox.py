"""What runs in the sandbox reads what it may, and reaches nothing else."""

import sys
from pathlib import Path

import pytest

from bytegolf import sandbox
from bytegolf.errors import InputError
from bytegolf.sandbox import Limits, Outcome, run_python, sandbox_available

README = Path(__file__).parents[2] / "README.md"

there = sandbox_available()
needs_sandbox = pytest.mark.skipif(not there, reason="this kernel offers no namespaces")


def python(code: str, **options: object) -> Outcome:
    return run_python(["-c", code], **options)  # type: ignore[arg-type]


@needs_sandbox
def test_it_reads_what_is_named_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "named").write_text("open")
    (tmp_path / "secret").write_text("closed")
    code = (
        f"import os; print(open('{tmp_path}/named').read(), os.listdir('{tmp_path}'), "
        f"os.path.exists('{tmp_path}/secret'), os.path.exists('{README}'))"
    )
    done = python(code, readable=[tmp_path / "named"])
    assert done.status == 0, done.stderr
    assert done.stdout.decode().strip() == "open ['named'] False False"


@needs_sandbox
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_hidden_is_not_seen_where_its_folder_is_readable(tmp_path: Path, whole: bool) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "val").write_text("closed")
    hidden = tmp_path / "data" if whole else tmp_path / "data" / "val"
    done = python(
        f"import pathlib; print([p.read_text() for p in pathlib.Path('{tmp_path}/data').iterdir()])", readable=[tmp_path], hidden=[hidden]
    )
    assert done.stdout.decode().strip() == ("[]" if whole else "['']"), done.stderr


@needs_sandbox
@pytest.mark.parametrize(
    "attempt",
    [
        "open(path, 'w')",
        "open(path, 'a')",
        "os.unlink(path)",
        "os.rename(path, path + '2')",
        "subprocess.run(['mount', '-o', 'remount,bind,rw', path], check=True)",
        "subprocess.run(['umount', path], check=True)",
        "open('/usr/new', 'w')",
        "socket.create_connection(('127.0.0.1', 22), 1)",
        "socket.create_connection(('1.1.1.1', 53), 1)",
        "os.kill(1000000, 9)",
        "os.chroot('/proc/1/root')",
        "open('/box/large', 'wb').write(bytes(1 << 27))",
    ],
)
def test_it_changes_nothing_and_reaches_nobody(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "artifact"
    path.write_text("as it was")
    done = python(f"import os, socket, subprocess; path = {str(path)!r}; {attempt}; print('done')", readable=[path])
    assert done.status != 0 and not done.stdout
    assert path.read_text() == "as it was" and [p.name for p in tmp_path.iterdir()] == ["artifact"]


@needs_sandbox
def test_it_writes_to_its_own_place_and_imports_what_we_do() -> None:
    done = python("import bytegolf.errors, numpy; open('note', 'w').write('x'); print(open('/box/note').read())")
    assert (done.status, done.stdout) == (0, b"x\n"), done.stderr


@pytest.mark.parametrize("isolated", [pytest.param(True, marks=needs_sandbox), False])
def test_time_is_limited(isolated: bool) -> None:
    done = python("import time; time.sleep(60)", limits=Limits(seconds=2), isolated=isolated)
    assert done.timed_out and done.status != 0


@pytest.mark.parametrize("isolated", [pytest.param(True, marks=needs_sandbox), False])
def test_memory_is_limited(isolated: bool) -> None:
    done = python("x = bytearray(1 << 30)", limits=Limits(memory_bytes=1 << 29), isolated=isolated)
    assert done.status == 1 and "MemoryError" in done.stderr


def test_without_a_sandbox_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "NAMESPACES", ("--no-such-option",))
    with pytest.raises(InputError, match=r"sandbox: expected Linux .* do without a sandbox for code that you trust"):
        python("print(1)")
    assert python("print(1)", isolated=False).stdout == b"1\n"


def test_the_environment_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    done = python("import os; print(sorted(os.environ))", isolated=False, environment={"OMP_NUM_THREADS": "1"})
    assert b"SECRET_TOKEN" not in done.stdout and b"OMP_NUM_THREADS" in done.stdout
    assert sys.executable
