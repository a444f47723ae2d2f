"""A submission's script run as a stranger would: in a sandbox, with its folder and the held-out text, and nothing of this package."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bytegolf.contest.submission import RunResult
from bytegolf.contest.submission_rules import SCRIPT
from bytegolf.sandbox import Limits, run_python

PACKAGE = Path(__file__).parents[1]
LIMITS = Limits(seconds=24 * 3600)
TOLERANCE = 1e-4  # bits per byte, by which kernels and numbers of threads may differ


def script_problems(
    folder: Path, result: RunResult, data: Path, tokenizer: Path, training: Sequence[Path], *, limit_bytes: int = 0, sandbox: bool = True
) -> list[str]:
    """Return a line for whatever keeps the script of a folder from giving the score of an artifact in it again.

    It sees no network, no file of `training`, and nothing of this package. Raises InputError where there is no `sandbox` and
    one is asked for.
    """
    script, artifact = folder / SCRIPT, folder / result.artifact
    files = {"--data": data, "--tokenizer": tokenizer, "--evaluate": artifact}
    arguments = [word for flag, path in files.items() for word in (flag, str(path.absolute()))]
    outcome = run_python(
        [str(script.absolute()), *arguments, "--limit-bytes", str(limit_bytes)],
        readable=[script, *files.values()],
        hidden=[*_packages(), *training],
        limits=LIMITS,
        isolated=sandbox,
        environment={"OMP_NUM_THREADS": "1"},
    )
    if outcome.status != 0:
        last = (outcome.stderr.strip().splitlines() or ["nothing"])[-1]
        return [f"{SCRIPT}: expected a score, found status {outcome.status}: {last}"]
    return _score_problems(outcome.stdout, result)


def _packages() -> list[Path]:
    """Return this package, and others of its name that Python would find."""
    found = [Path(entry).resolve() / PACKAGE.name for entry in sys.path]
    return list(dict.fromkeys([PACKAGE, *(folder for folder in found if folder.is_dir())]))


def _score_problems(printed: bytes, result: RunResult) -> list[str]:
    """Return how a printed score differs from that of a seed."""
    try:
        told = json.loads(printed.splitlines()[-1])
        bpb, counted = float(told["bpb"]), (told["bytes"], told["tokens"])
    except (ValueError, KeyError, TypeError, IndexError):
        return [f"{SCRIPT}: expected a score as JSON, found something else"]
    found = []
    if not abs(bpb - result.bpb) <= TOLERANCE:
        found.append(f"{SCRIPT}: expected {result.bpb:.6f} bits per byte again, found {bpb:.6f}")
    if counted != (result.bytes, result.tokens):
        found.append(f"{SCRIPT}: expected {result.bytes:,} bytes and {result.tokens:,} tokens again, found {counted[0]} and {counted[1]}")
    return found
