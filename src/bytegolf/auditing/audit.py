"""The audit: tests from outside on anything that claims to predict text. Verdict with evidence: test, position, numbers."""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.auditing.adapter import Subject
from bytegolf.auditing.checks import CHECKS
from bytegolf.auditing.trial import Finding, NotPossible, bench_for
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.sandbox import Limits, run_python

LIMITS = Limits(seconds=3600)


@dataclass(frozen=True)
class Options:
    """How much is tried. A false alarm is possible in T11 and T13 alone, each time with a probability below 2**-39."""

    tokens: int = 128  # of the text that is like text
    noise_tokens: int = 2048
    cuts: int = 8  # places looked at by each test
    tolerance: float = 1e-3  # bits, for what is computed in another shape
    most_calls: int = 4096  # scorings that one test may take
    seed: int = 0


@dataclass(frozen=True)
class Audit:
    """`ok` if no test failed; `skipped` says why tests could not be made."""

    ok: bool
    findings: list[Finding]
    skipped: dict[str, str]

    @property
    def violated(self) -> list[str]:
        return [finding.test for finding in self.findings if not finding.passed]

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "violated": self.violated}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Audit":
        return cls(values["ok"], [Finding(**finding) for finding in values["findings"]], values["skipped"])


def audit(factory: Callable[[], Any], options: Options = Options()) -> Audit:
    """Try what `factory` makes: see `bytegolf.auditing.adapter` for what that may be. Raises InputError if it is nothing of the kind.

    The code runs in this process: for code of strangers there is `audit_in_sandbox`.
    """
    bench = bench_for(Subject(factory), **asdict(options))
    findings: list[Finding] = []
    skipped: dict[str, str] = {}
    with Progress("audit", len(CHECKS), "tests") as progress:
        for name, check in CHECKS.items():
            try:
                findings.append(check(bench))
            except NotPossible as reason:
                skipped[name] = str(reason)
            progress.advance(note=name)
    return Audit(all(finding.passed for finding in findings), findings, skipped)


def audit_in_sandbox(name: str, options: Options = Options(), *, isolated: bool = True) -> Audit:
    """Audit MODULE:FACTORY, imported from the working directory or from what is installed.

    Raises InputError if there is no such factory, or its code fails.
    """
    here = Path.cwd()
    outcome = run_python(
        ["-m", "bytegolf.auditing.audit", name, json.dumps(asdict(options)), str(here)],
        readable=[here],
        limits=LIMITS,
        environment={"OMP_NUM_THREADS": "1"},
        isolated=isolated,
    )
    if outcome.timed_out:
        raise InputError(f"{name}: expected an audit within {LIMITS.seconds:.0f} s, found it still running")
    try:
        return Audit.from_json(json.loads(outcome.stdout.splitlines()[-1]))
    except (IndexError, ValueError, KeyError, TypeError):
        last = (outcome.stderr.strip().splitlines() or [f"status {outcome.status}"])[-1]
        raise InputError(f"{name}: expected something that can be audited, found {last.removeprefix('error: ')}") from None


def load(name: str) -> Callable[[], Any]:
    """The FACTORY of "MODULE:FACTORY". Raises InputError."""
    module, _, attribute = name.partition(":")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{name}: expected MODULE:FACTORY, found {error}") from None
    if not callable(factory):
        raise InputError(f"{name}: expected a function, found {factory!r}")
    return factory


def main() -> None:
    name, options, place = sys.argv[1:]
    sys.path.insert(0, place)
    print(json.dumps(audit(load(name), Options(**json.loads(options))).to_json()))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
