"""The audit: black-box tests of whatever claims to predict text, with a verdict and evidence for each.

`python -m bytegolf.auditing.audit MODULE:FACTORY OPTIONS FOLDER` is what runs in the sandbox: it imports from FOLDER, takes
the options as JSON and prints the report as JSON.
"""

import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.auditing.adapter import PredictorUnderTest
from bytegolf.auditing.bench import DEFAULT_OPTIONS, AuditOptions, Bench, NotPossible
from bytegolf.auditing.checks import CHECKS
from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.sandbox import Limits, run_python

LIMITS = Limits(seconds=3600)


@dataclass(frozen=True)
class Finding:
    """The result of one test. `position` is the target at which a violation was seen first, if it was at one."""

    test: str
    passed: bool
    evidence: str
    position: int | None = None


@dataclass(frozen=True)
class AuditReport:
    """The results of all tests. `ok` if none failed; `skipped` says why tests could not be made."""

    ok: bool
    findings: list[Finding]
    skipped: dict[str, str]

    @property
    def violated(self) -> list[str]:
        """Return the names of the tests that failed."""
        return [finding.test for finding in self.findings if not finding.passed]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {**asdict(self), "violated": self.violated}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "AuditReport":
        """Return the report that `to_json` was called on."""
        return cls(values["ok"], [Finding(**finding) for finding in values["findings"]], values["skipped"])


def audit(factory: Callable[[], Any], options: AuditOptions = DEFAULT_OPTIONS) -> AuditReport:
    """Test the predictor that `factory` makes, in this process.

    See `bytegolf.auditing.adapter` for what a predictor may be. Raises InputError if it is nothing of the kind. For code
    that is not trusted there is `audit_in_sandbox`.
    """
    bench = Bench.set_up(PredictorUnderTest(factory), options)
    findings: list[Finding] = []
    skipped: dict[str, str] = {}
    with Progress("audit", len(CHECKS), "tests") as progress:
        for name, check in CHECKS.items():
            try:
                findings.append(Finding(name, *check(bench)))
            except NotPossible as reason:
                skipped[name] = str(reason)
            progress.advance(note=name)
    return AuditReport(all(finding.passed for finding in findings), findings, skipped)


def audit_in_sandbox(name: str, options: AuditOptions = DEFAULT_OPTIONS, *, isolated: bool = True) -> AuditReport:
    """Test the predictor of MODULE:FACTORY in a sandbox; MODULE is found in the working directory or among what is installed.

    Without `isolated` it runs in a process like any other. Raises InputError if there is no such factory, or its code fails.
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
        return AuditReport.from_json(json.loads(outcome.stdout.splitlines()[-1]))
    except (IndexError, ValueError, KeyError, TypeError):
        last = (outcome.stderr.strip().splitlines() or [f"status {outcome.status}"])[-1]
        raise InputError(
            f"{name}: expected something that can be audited, found {last.removeprefix('error: ').removeprefix(f'{name}: ')}"
        ) from None


def load_factory(name: str) -> Callable[[], Any]:
    """Import the FACTORY of "MODULE:FACTORY". Raises InputError if there is none."""
    module, _, attribute = name.partition(":")
    if not attribute:
        raise InputError(f"{name}: expected MODULE:FACTORY, found no FACTORY; name the function that makes the predictor after a colon")
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{name}: expected MODULE:FACTORY, found {error}") from None
    if not callable(factory):
        raise InputError(f"{name}: expected a function, found {factory!r}")
    return factory


def main() -> None:
    """Audit the predictor named on the command line, and print the report."""
    name, options, folder = sys.argv[1:]
    sys.path.insert(0, folder)
    print(json.dumps(audit(load_factory(name), AuditOptions(**json.loads(options))).to_json()))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
