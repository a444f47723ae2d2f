"""Every cell of docs/robustness.md: each verb under each condition ends as the table says."""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from bytegolf.sandbox import sandbox_available
from support.command_line import RunCli, tree
from support.places import Place, Reference, under
from support.robustness import (
    AGAIN,
    CONDITIONS,
    ENDED,
    INPUTS,
    NONE,
    OUTPUTS,
    PAGE,
    REFUSED,
    RIGHT,
    SHOWN,
    VERBS,
    make_workshop,
    page,
)
from support.runs import environment, finished, prepared

PLAIN = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []  # root may do what others may not
LOCALE = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
OUTSIDE = ("unwritable", "a mount", "unreadable")  # of this process


def cells(*conditions: str, outcome: str) -> list[tuple[str, str]]:
    """Return the verbs and conditions of the table that have an outcome."""
    return [(verb, condition) for condition in conditions for verb in VERBS if VERBS[verb].outcome(condition) == outcome]


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The inputs of all verbs. Read only."""
    return make_workshop(tmp_path_factory.mktemp("workshop"), prepared(tmp_path_factory), finished(tmp_path_factory))


@pytest.fixture(scope="session")
def results(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    """Each verb run once where nothing is wrong, as far as a test has asked for it."""
    return {}


@pytest.fixture
def place(request: pytest.FixtureRequest, workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """The place of the cell that is tried."""
    root = shutil.copytree(workshop, tmp_path / "place")
    monkeypatch.chdir(root)
    verb, _ = request.node.callspec.params["cell"]
    yield Place(root, verb)
    for path in (root / VERBS[verb].input, root / "locked"):
        if path.exists():
            path.chmod(0o755)


@pytest.fixture
def right(place: Place, workshop: Path, results: dict[str, Place], tmp_path_factory: pytest.TempPathFactory, run_cli: RunCli) -> Reference:
    """What the verb of this cell gives when nothing is wrong."""
    if place.name not in results:
        results[place.name] = Place(shutil.copytree(workshop, tmp_path_factory.mktemp(place.name) / "place"), place.name)
        done = results[place.name].run(results[place.name].process("--json"))
        (results[place.name].root / "shown.json").write_text(json.dumps(done.json))
    reference = results[place.name]
    return Reference(json.loads((reference.root / "shown.json").read_text()), reference.essence() if place.verb.out else None)


def test_the_page_is_this_table() -> None:
    assert PAGE.read_text() == page(), "make docs writes it anew"


def test_every_cell_is_tried() -> None:
    tried = {*FAST, *SLOW_REFUSED, *INSIDE, *PIPES, *MOUNTS, *FULL, *STDOUT, *ENDINGS, *ASCII}
    assert tried == {(verb, condition) for condition in CONDITIONS for verb in VERBS if VERBS[verb].outcome(condition) != NONE}


# --- refused


FAST = [cell for cell in cells(*OUTPUTS, *INPUTS, outcome=REFUSED) if cell[1] not in OUTSIDE]
SLOW_REFUSED = cells("unwritable", "unreadable", outcome=REFUSED)


@pytest.mark.parametrize("cell", FAST, ids=": ".join)
def test_refused(cell: tuple[str, str], place: Place, run_cli: RunCli, results: dict[str, Place]) -> None:
    with under(place, cell[1], {}):
        before = tree(place.root)
        assert run_cli(*place.words()).error
        assert tree(place.root) == before


@pytest.mark.slow
@pytest.mark.parametrize("cell", SLOW_REFUSED, ids=": ".join)
def test_refused_for_want_of_permission(cell: tuple[str, str], place: Place) -> None:
    with under(place, cell[1], {}):
        names = set(place.root.rglob("*"))
        assert place.run(place.process(prefix=PLAIN)).error
        assert set(place.root.rglob("*")) == names


# --- right all the same


INSIDE = [cell for cell in cells(*OUTPUTS, *INPUTS, outcome=RIGHT) if cell[1] not in (*OUTSIDE, "a pipe")]
PIPES, MOUNTS, ASCII = cells("a pipe", outcome=RIGHT), cells("a mount", outcome=RIGHT), cells("ASCII", outcome=RIGHT)


@pytest.mark.slow
@pytest.mark.parametrize("cell", INSIDE, ids=": ".join)
def test_right(cell: tuple[str, str], place: Place, right: Reference, run_cli: RunCli, results: dict[str, Place]) -> None:
    with under(place, cell[1], results):
        device = place.out.is_char_device()
        assert run_cli(*place.words("--json")).json
        assert place.out.is_char_device() == device
        assert device or cell[1] in INPUTS or place.essence() == right.essence


@pytest.mark.slow
@pytest.mark.parametrize("cell", PIPES, ids=": ".join)
def test_right_through_a_pipe(cell: tuple[str, str], place: Place, right: Reference, run_cli: RunCli) -> None:
    os.mkfifo(place.out)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(place.out.read_bytes()), daemon=True)
    reader.start()
    assert run_cli(*place.words("--json")).json
    reader.join(60)
    assert place.out.is_fifo()
    place.out.unlink()
    place.out.write_bytes(received[0])
    assert place.essence() == right.essence


@pytest.mark.slow
@pytest.mark.skipif(not sandbox_available(), reason="only where the system lets users mount")
@pytest.mark.parametrize("cell", MOUNTS, ids=": ".join)
def test_right_on_a_mount(cell: tuple[str, str], place: Place, right: Reference) -> None:
    """The mount goes with its process, so what it holds is copied out of it first."""
    (place.root / "disk").mkdir()
    mount = "mkdir new; mount -t tmpfs none new"
    if place.verb.out == "file":
        mount = "touch new; mount -t tmpfs none disk; touch disk/new; mount --bind disk/new new"
    script = f'{mount}; "$@"; cp -r new kept'
    result = place.run(["unshare", "-rm", "sh", "-ec", script, "sh", *place.process("--json")])
    assert result.json
    place.out = place.root / "kept"
    assert [path.name for path in (place.out.iterdir() if place.out.is_dir() else ()) if path.name.startswith(".")] == []
    assert place.essence() == right.essence


@pytest.mark.slow
@pytest.mark.parametrize("cell", ASCII, ids=": ".join)
def test_right_in_ascii(cell: tuple[str, str], place: Place, right: Reference) -> None:
    done = subprocess.run(place.process(), cwd=place.root, env=environment() | LOCALE, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("ascii").strip()
    assert not place.verb.out or place.essence() == right.essence


# --- not kept, or printed elsewhere


FULL = cells("disk full", outcome=AGAIN)


@pytest.mark.slow
@pytest.mark.parametrize("cell", FULL, ids=": ".join)
def test_a_full_disk_loses_nothing(cell: tuple[str, str], place: Place, right: Reference, run_cli: RunCli) -> None:
    with under(place, cell[1], {}):
        result = run_cli(*place.words("--json"))
    assert result.status == 2 and result.err.splitlines()[-1].startswith("error: new")
    assert run_cli(*place.words("--resume")).status == 0 and place.essence() == right.essence


STDOUT = cells("stdout closed", "stdout gone", "stdout full", outcome=SHOWN)


@pytest.mark.slow
@pytest.mark.parametrize("cell", STDOUT, ids=": ".join)
def test_shown_on_stderr(cell: tuple[str, str], place: Place, right: Reference) -> None:
    closing = ["sh", "-c", 'exec "$@" >&-', "sh"] if cell[1] == "stdout closed" else []
    command = place.process("--json", prefix=closing)
    read, write = os.pipe()
    os.close(read)
    with Path("/dev/full").open("w") as full:
        stdouts: dict[str, int | IO[str]] = {"stdout closed": subprocess.DEVNULL, "stdout gone": write, "stdout full": full}
        done = subprocess.run(command, cwd=place.root, env=environment(), stdout=stdouts[cell[1]], stderr=subprocess.PIPE, timeout=300)
    os.close(write)
    *_, shown, line = done.stderr.decode().splitlines()
    assert done.returncode == 2 and line.startswith("error: stdout: ") and b"Traceback" not in done.stderr
    assert json.loads(shown).keys() == right.shown.keys()
    assert not place.verb.out or place.essence() == right.essence


# --- ended before its time


ENDINGS = [*cells("SIGTERM", "SIGHUP", outcome=ENDED), *cells("SIGKILL", outcome=AGAIN)]


@pytest.mark.slow
@pytest.mark.parametrize("cell", ENDINGS, ids=": ".join)
def test_ended_at_some_instant(cell: tuple[str, str], place: Place, right: Reference) -> None:
    """Just as the work begins, and at an instant that the name of the cell draws."""
    verb, name = cell
    number, options = signal.Signals[name], ("--resume",) if verb == "train" else ()
    for delay in (0.0, random.Random(f"{verb} {name}").uniform(0.0, 1.0)):
        process = place.start(*options)
        assert process.stderr is not None
        first = process.stderr.readline()  # of its progress, as the work begins
        time.sleep(delay)
        process.send_signal(number)
        told = first + process.stderr.read()
        status = process.wait(60)
        # Python dies of SIGINT instead of exiting with 130 where the interrupt struck within an exec of a string, as namedtuple has
        assert status in (0, 130, -number, -signal.SIGINT), told
        if number != signal.SIGKILL:
            assert b"Traceback" not in told
            left = [path for path in place.root.rglob(".*") if path.name.endswith((".partial", ".lock", ".unfinished"))]
            assert left == [], told
        if status == 0 and verb == "import":  # done, and not to be done again
            break
    if not (status == 0 and verb == "import"):
        assert place.run(place.process(*options)).status == 0
    assert place.essence() == right.essence
    assert [path for path in place.root.rglob(".*") if path.name.endswith((".partial", ".lock", ".unfinished"))] == []
