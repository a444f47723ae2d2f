"""The command in this process, and folders to run it in."""

import io
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from bytegolf.cli import app as cli
from support.command_line import Result, RunCli, tree
from support.runs import MICRO, finished, prepared
from support.world import make_world


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """The command, in this process. What it raises beside SystemExit would be a traceback, and fails the test."""
    monkeypatch.setenv("GOMP_SPINCOUNT", os.environ.get("GOMP_SPINCOUNT", "0"))
    monkeypatch.setenv("COLUMNS", "200")  # typer breaks the lines of a usage error

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["bytegolf", *map(str, arguments)])
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
            cli.main()
        return Result(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything good and bad that a user may name. Nothing in it may ever change."""
    return make_world(tmp_path_factory.mktemp("world"), prepared(tmp_path_factory), finished(tmp_path_factory))


@pytest.fixture
def desk(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with copies of what is good."""
    for name in ("data", "run", "texts"):
        shutil.copytree(world / name, tmp_path / name)
    shutil.copy(MICRO, tmp_path / "micro.toml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(world: Path, run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The error line of a command that must fail, and leave the world as it was."""
    monkeypatch.chdir(world)

    def run(*arguments: object) -> str:
        before = tree(world)
        try:
            return run_cli(*arguments).error
        finally:
            after = tree(world)
            for name in set(after) - set(before):  # so that one failure is not another's
                if (world / name).is_file():
                    (world / name).unlink()
                else:
                    shutil.rmtree(world / name, ignore_errors=True)
            for name, content in before.items():
                if content is not None and after.get(name) != content:
                    (world / name).parent.mkdir(parents=True, exist_ok=True)
                    (world / name).write_bytes(content)
            changed = {name for name in {*before, *after} if before.get(name, b"") != after.get(name, b"")}
            assert sorted(changed) == [], "files changed, or came or went, though the command failed"

    return run
