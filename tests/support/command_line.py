"""The command line in this process: what a verb printed, and how it ended."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        assert self.status == 0, self.err
        assert self.out.count("\n") == 1 and self.out.endswith("\n")
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str:
        """The one line of a mistake."""
        assert self.status == 2, (self.status, self.out, self.err)
        assert self.out == "" and "Traceback" not in self.err
        (line,) = [line for line in self.err.splitlines() if "error" in line.lower()]
        assert line.startswith("error: ") and self.err.endswith(line + "\n")
        return line


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


RunCli = Callable[..., Result]  # the fixture `run_cli`
