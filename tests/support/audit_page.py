"""The table of docs/audit.md that shows which tests of the audit catch which predictors.

cd tests && python -m support.audit_page     # write the table anew
"""

import re

from bytegolf.auditing.audit import AuditReport, audit
from bytegolf.auditing.bench import AuditOptions
from bytegolf.auditing.checks import CHECKS
from support.cheats import CHEATING
from support.cheats.honest import HONEST
from support.source_code import ROOT

PAGE = ROOT / "docs" / "audit.md"
OPTIONS = AuditOptions(max_scorings=400)
TABLE = re.compile(r"^\| violation \|.*?(?=\n\n)", re.DOTALL | re.MULTILINE)


def table() -> str:
    """Return the table of violations and tests, as the audit finds it."""
    predictors = {name: cheat.make for name, cheat in CHEATING.items()} | {f"honest: {name}": make for name, make in HONEST.items()}
    head = ["| violation | " + " | ".join(CHECKS) + " |", "|---|" + "---|" * len(CHECKS)]
    return "\n".join(head + [f"| {name} | " + " | ".join(_marks(audit(make, OPTIONS))) + " |" for name, make in predictors.items()])


def _marks(report: AuditReport) -> list[str]:
    passed = {finding.test: finding.passed for finding in report.findings}
    return ["–" if test in report.skipped else "" if passed[test] else "✗" for test in CHECKS]


if __name__ == "__main__":
    PAGE.write_text(TABLE.sub(table(), PAGE.read_text()))
