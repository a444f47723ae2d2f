"""A cell's work: commands of the command line, each in a process of its own, until nothing is left to be done."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import BinaryIO, NamedTuple

from bytegolf.errors import InputError
from bytegolf.experiments.measure import Measure
from bytegolf.storage.claim import claimed
from bytegolf.storage.run_folder import RunFolder

PROGRAM = "bytegolf.cli.attended"  # the command line, which ends when the process that started it does
POLL_SECONDS = 0.1
PATIENCE = 120.0  # seconds that a command has to save a checkpoint and end, once it is to be stopped
MOST_READ = 1 << 16  # bytes of a log, from its end
ERROR = "error: "
THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")  # which torch and numba take the number of their threads from


class StepFailedError(Exception):
    """A command of a cell ended with another status than 0; the message is one line that says why."""


@dataclass(frozen=True)
class Work:
    """What has to be done for one cell: all paths are absolute, so that any machine that shares the folder can do it."""

    name: str
    run: Path
    log: Path  # of what the commands print
    training: tuple[str, ...]  # words of `train`: the recipe and its settings
    data: tuple[str, ...]  # words that name data and tokenizer
    measure: Measure
    threads: int  # 0 is as many as it finds

    def commands(self) -> str:
        """Return the commands as a line for a shell, which may be run again until it has ended well."""
        steps = self.measure.steps(RunFolder(self.run), self.training, self.data)
        threads = [f"export {' '.join(f'{name}={number}' for name, number in threads_of(self.threads).items())}"] if self.threads else []
        return " && ".join([*threads, *(shlex.join(("bytegolf", *words)) for words in steps)])

    def do(self, environment: Mapping[str, str], stopped: Event) -> None:
        """Run the commands that are missing, until `stopped` is set.

        Raises StepFailedError if one fails.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        last = None
        with self.log.open("ab") as log:
            while not stopped.is_set() and (words := self._next()) is not None:
                if words == last:
                    raise StepFailedError(f"expected a result of bytegolf {words[0]} that can be used, found none")
                log.write(f"$ {shlex.join(('bytegolf', *words))}\n".encode())
                log.flush()
                began = log.tell()
                self._wait_until_free(stopped)
                status = _run(words, log, environment, stopped)
                if status is not None and status != 0:
                    raise StepFailedError(_reason(self.log, began, status))
                last = words

    def _next(self) -> tuple[str, ...] | None:
        try:
            return self.measure.next_step(RunFolder(self.run), self.training, self.data)
        except InputError as error:
            raise StepFailedError(str(error)) from None

    def _wait_until_free(self, stopped: Event) -> None:
        """Wait while another process writes the run: one that a killed sweep left is ending. `train` refuses what does not end."""
        until = time.monotonic() + PATIENCE
        while not stopped.is_set() and time.monotonic() < until:
            try:
                with claimed(self.run, folder=True):
                    return
            except InputError:
                time.sleep(POLL_SECONDS)


def threads_of(number: int) -> dict[str, str]:
    """Return the variables of the environment by which a process computes on a number of threads."""
    return dict.fromkeys(THREADS, str(number))


class CellOutcome(NamedTuple):
    """The end of a cell's work, and the line that tells why it failed, if it did."""

    work: Work
    error: str | None


def outcome_of(work: Work, environment: Mapping[str, str], stopped: Event) -> CellOutcome:
    """Do the work and return how it ended."""
    try:
        work.do(environment, stopped)
    except StepFailedError as error:
        return CellOutcome(work, str(error))
    except OSError as error:
        return CellOutcome(work, f"{error.filename or 'file system'}: {error.strerror or error}")
    return CellOutcome(work, None)


def _run(words: tuple[str, ...], log: BinaryIO, environment: Mapping[str, str], stopped: Event) -> int | None:
    """Run a command to its end and return its status, or end it and return None once `stopped` is set."""
    command = (sys.executable, "-m", PROGRAM, *words)
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
    )  # so that Ctrl-C on a terminal reaches this process alone, which ends the others in its turn
    assert process.stdin is not None
    try:
        while process.poll() is None:
            if stopped.wait(POLL_SECONDS):
                return None
        return process.returncode
    finally:
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _reason(log: Path, began: int, status: int) -> str:
    """Return why a command failed: the last line of an error that it printed, its last line, or the signal that ended it."""
    if status < 0:
        why = "; too little memory, perhaps" if status == -signal.SIGKILL else ""
        return f"killed by {signal.Signals(-status).name}{why}"
    with log.open("rb") as file:
        file.seek(max(began, file.seek(0, 2) - MOST_READ))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(ERROR)]
    return (errors or lines or [f"ended with status {status}"])[-1].removeprefix(ERROR).strip()
