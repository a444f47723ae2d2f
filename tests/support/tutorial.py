"""The tutorial followed to the letter: its commands in an empty folder, and what the page says that they print.

cd tests && python -m support.tutorial     # follow it, and write anew what is seen
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from support.runs import environment

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
STEP = re.compile(r"```sh\n(?P<commands>.*?)```\n(?:\n```text\n(?P<seen>.*?)```\n)?", re.DOTALL)


def follow(folder: Path, page: str) -> list[str]:
    """Run all commands of a page, one after the other in one shell, and return what each block of them printed on stdout.

    Raises CalledProcessError for the first that fails. Their stderr is left as it is.
    """
    blocks = [step["commands"] for step in STEP.finditer(page)]
    printed = [folder.parent / f"{folder.name}-{i}.out" for i in range(len(blocks))]
    script = ["set -euo pipefail", *(f"{{\n{block}}} > {out}" for block, out in zip(blocks, printed, strict=True))]
    variables = {**environment(), "PATH": f"{_with_command(folder.parent)}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    del variables["OMP_NUM_THREADS"]  # as whoever follows it has it
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=folder, env=variables, check=True)
    return [out.read_text() for out in printed]


def _with_command(folder: Path) -> Path:
    """Return a folder with `bytegolf` as this Python runs it, installed or not."""
    command = folder / "bin" / "bytegolf"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bytegolf "$@"\n')
    command.chmod(0o755)
    return command.parent


def with_seen(page: str, printed: Sequence[str]) -> str:
    """Return a page with what was printed under those of its commands that show anything."""
    remaining = iter(printed)

    def shown(step: re.Match[str]) -> str:
        seen = "\n".join(line.rstrip() for line in next(remaining).split("\n")).strip("\n")
        commands = f"```sh\n{step['commands']}```\n"
        return commands if step["seen"] is None else f"{commands}\n```text\n{seen}\n```\n"

    return STEP.sub(shown, page)


def without_figures(text: str) -> list[str]:
    """Return the lines of an output without what differs from machine to machine: figures, hashes, widths of columns."""
    plain = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", "HASH", text)
    plain = re.sub(r"─+", "─", re.sub(r"\d[\d,.]*", "#", plain))
    return [" ".join(line.split()) for line in plain.splitlines() if line.strip()]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / "golf"
        place.mkdir()
        PAGE.write_text(with_seen(PAGE.read_text(), follow(place, PAGE.read_text())))
