"""Standard streams that may be closed, full, or unable to write every character, and signals that end a process."""

import io
import os
import signal
import stat
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from bytegolf.errors import ParameterError

AGAIN_SECONDS = 0.01


def settle_streams() -> None:
    """Make stdout and stderr take every character, and keep files from getting the numbers of streams that are closed."""
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:  # the lowest free one
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


def discard_output() -> None:
    """Let what stdout could not write go nowhere, or the end of the process would try it again."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end_on_signals() -> None:
    """Let SIGTERM and SIGHUP end a verb as Ctrl-C does, which removes unfinished files. A SIGHUP that nohup ignores stays ignored."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt)
    sys.unraisablehook = _interrupt_again


def _interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Let an interruption that came where Python lets nothing be raised (in a fork, in a destructor) come again a little later."""
    if unraisable.exc_type is KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    else:
        sys.__unraisablehook__(unraisable)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def piped_text() -> str:
    """Return the text that a pipe or a file gives to stdin, "" where that is a terminal, the null device or closed.

    Raises ParameterError, which names the prompt, if it is not UTF-8.
    """
    try:
        kind = os.fstat(0).st_mode
    except OSError:
        return ""
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)):
        return ""
    with os.fdopen(os.dup(0), "rb") as stdin:
        data = stdin.read()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ParameterError("prompt", f"expected text in UTF-8 on stdin, found something else at byte {error.start}") from None
