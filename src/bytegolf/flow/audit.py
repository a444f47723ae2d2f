"""Run black-box tests of predictors."""

from bytegolf.auditing.audit import Audit, Options, audit_in_sandbox


def audit(name: str, options: Options, *, sandbox: bool = True) -> Audit:
    """Test from outside whether MODULE:FACTORY predicts as a valid score requires.

    Raises InputError if there is no such module or factory.
    """
    return audit_in_sandbox(name, options, isolated=sandbox)
