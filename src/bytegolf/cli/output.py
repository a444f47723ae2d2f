"""Printing what a verb returns, for a machine or for a person."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TextIO

from bytegolf.cli.streams import discard_output
from bytegolf.errors import InputError
from bytegolf.runtime.progress import is_main_process
from bytegolf.storage.files import is_stdout


def emit(result: Any, as_json: bool, table: Callable[[Any], str], *, out: Path | None = None) -> None:
    """Print `result` as one JSON object, or as what `table` makes of it. Of several processes only the main one prints.

    It goes to stdout, unless `out`, a file that the verb wrote, went there already. Raises InputError if stdout cannot take it;
    then it stands on stderr, so that no work is lost.
    """
    if not is_main_process():
        return
    text = json.dumps(result if isinstance(result, dict) else result.to_json()) if as_json else table(result)
    if out is not None and is_stdout(out):
        _print(text, sys.stderr)
        return
    try:
        _print(text, sys.stdout)
    except OSError as error:
        discard_output()
        _print(text, sys.stderr)
        raise InputError(f"stdout: {error.strerror}; the result stands above") from None


def print_as_it_comes(texts: Iterable[str]) -> None:
    """Print parts of a text on stdout, each as soon as it is there, and end the last line. Raises InputError if stdout cannot take them."""
    last = "\n"
    try:
        try:
            for text in filter(None, texts):
                _print(text, sys.stdout, end="")
                last = text
        finally:  # what was interrupted ends its line too
            if not last.endswith("\n"):
                _print("", sys.stdout)
    except OSError as error:
        discard_output()
        raise InputError(f"stdout: {error.strerror}") from None


def _print(text: str, stream: TextIO | None, end: str = "\n") -> None:
    """Print now. Raises OSError if the stream is closed or full; characters that its encoding lacks are replaced."""
    if stream is None:
        raise OSError(None, "expected it open, found it closed")
    print(text, file=stream, end=end, flush=True)
