"""Black-box tests of whatever claims to predict text."""

from bytegolf.auditing.audit import AuditReport, audit_in_sandbox
from bytegolf.auditing.bench import DEFAULT_OPTIONS, AuditOptions


def audit(name: str, options: AuditOptions = DEFAULT_OPTIONS, *, sandbox: bool = True) -> AuditReport:
    """Test whether the predictor that MODULE:FACTORY makes predicts as a valid score must.

    MODULE is found in the working directory or among what is installed, and runs in a sandbox unless told otherwise.
    Raises InputError if there is no such factory, its code fails, or the system has no sandbox.
    """
    return audit_in_sandbox(name, options, isolated=sandbox)
