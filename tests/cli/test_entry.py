"""The command as a process, in its first instants."""

import signal
import subprocess
import sys
import time

import pytest

from support.runs import environment


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2])
def test_an_interruption_in_the_first_instants(delay: float) -> None:
    """It ends in one line, or in the signal's own way before any of this code is there."""
    command = [sys.executable, "-m", "bytegolf", "recipes"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    if "Traceback" in err:
        assert "bytegolf/cli" not in err, "Python itself was starting"
    elif process.returncode != -signal.SIGINT:
        assert (process.returncode, err) in ((130, "error: interrupted\n"), (0, ""))


@pytest.mark.parametrize(
    "variables", [{"RANK": "1"}, {"WORLD_SIZE": "4"}, {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}, {"RANK": "first"}]
)
def test_verbs_that_work_alone_ignore_what_a_launcher_left(variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "bytegolf", "recipes"]
    done = subprocess.run(command, env=environment() | variables, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and "tiny" in done.stdout
