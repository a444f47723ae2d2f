"""Newer Python in the syntax of older ones, line by line, for the parser of the Python that runs.

What a script computes may change in the rewriting; which names it uses, and in which line, does not.
"""

import tempfile
from pathlib import Path

from bytegolf.sandbox import Limits, run_python

LIMITS = Limits(seconds=60, memory_bytes=2 << 30)  # a hostile text makes a parser of native code use all it can get
REWRITING = "bytegolf.contest.rewriting"


def in_older_syntax(text: str) -> str:
    """Rewrite f-strings with nested quotes, template strings, type parameters, `type X = …` and bare `except A, B`.

    A process of its own does it, whose memory and time are limited.
    Raises SyntaxError if the text is no Python of any version, or is too deep to say.
    """
    with tempfile.TemporaryDirectory(prefix="bytegolf-") as folder:
        file = Path(folder) / "script.txt"
        file.write_text(text, encoding="utf-8")
        outcome = run_python(["-m", REWRITING, str(file)], isolated=False, limits=LIMITS)
    if outcome.status:
        raise SyntaxError("no Python of any version, or too deep to parse")
    return outcome.stdout.decode()
