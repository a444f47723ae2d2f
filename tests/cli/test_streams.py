"""Streams that are closed, gone or of another encoding, and signals, in real processes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.runs import environment, heed_signals

PRINT = "from bytegolf.cli.streams import settle_streams; settle_streams(); "


def run(code: str, redirection: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-c", PRINT + code]
    return subprocess.run(command, env=environment() | variables, capture_output=True)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_characters_that_an_encoding_lacks_are_replaced(encoding: str) -> None:
    done = run("print('a → b ≤ é')", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding) == ("a ? b ? ?\n" if encoding == "ascii" else "a ? b ? é\n")


def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    """Or what a library prints would go into it."""
    for redirection in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        done = run(f"import os; file = open({str(tmp_path / 'f')!r}, 'w'); os.write(1, b''); sys = __import__('sys'); "
                   f"print(file.fileno(), file=file); print('told', file=sys.stderr)", redirection)  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert int((tmp_path / "f").read_text()) > 2


def test_a_closed_stderr_does_not_reach_stdout() -> None:
    done = run("from bytegolf.runtime.progress import say; say('told'); print('result')", "2>&-")
    assert (done.returncode, done.stdout) == (0, b"result\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_unwind(number: signal.Signals) -> None:
    code = """
import time
from bytegolf.cli.streams import end_on_signals
end_on_signals()
try:
    print("begun", flush=True)
    while True:
        time.sleep(0.1)  # not one long sleep: a signal just before it begins would not end it
finally:
    print("cleaned up", flush=True)
"""
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment(), stdout=pipe, stderr=pipe, text=True, preexec_fn=heed_signals)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert out == "cleaned up\n"


def test_what_nohup_ignores_stays_ignored() -> None:
    code = "from bytegolf.cli.streams import end_on_signals; end_on_signals(); print('begun', flush=True); import time; time.sleep(0.5)"
    process = subprocess.Popen(["nohup", sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0


INTERRUPTED_WHERE_NOTHING_IS_RAISED = """
import os, signal, time
from bytegolf.cli.streams import end_on_signals
end_on_signals()
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
try:
    Dying()
    time.sleep(60)
except KeyboardInterrupt:
    print("ended")
"""


def test_a_signal_that_python_may_not_raise_comes_again() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHERE_NOTHING_IS_RAISED], env=environment(), capture_output=True, text=True, timeout=50
    )
    assert (done.stdout, done.stderr) == ("ended\n", "")
