"""Black-box tests of whatever claims to predict text, and the overlap of training and held-out text."""

from pathlib import Path

from bytegolf.auditing.audit import AuditReport, audit_in_sandbox
from bytegolf.auditing.bench import DEFAULT_OPTIONS, AuditOptions
from bytegolf.auditing.overlap.report import OverlapReport, compare_documents
from bytegolf.storage.files import record_json
from bytegolf.text.dataset import open_data


def audit(name: str, options: AuditOptions = DEFAULT_OPTIONS, *, sandbox: bool = True) -> AuditReport:
    """Test whether the predictor that MODULE:FACTORY makes predicts as a valid score must.

    MODULE is found in the working directory or among what is installed, and runs in a sandbox unless told otherwise.
    Raises InputError if there is no such factory, its code fails, or the system has no sandbox.
    """
    return audit_in_sandbox(name, options, isolated=sandbox)


def audit_data(data: Path, *, tokenizer: Path | None = None, near: bool = True) -> OverlapReport:
    """Compare the training documents of a data folder with the held-out ones: exact copies, and `near` duplicates.

    What was found is kept in the folder, for reports. A folder of bare shards may need its `tokenizer`. Raises InputError if there
    are no shards of both splits.
    """
    dataset = open_data(data, tokenizer)
    found = compare_documents(dataset, near=near)
    record_json(dataset.folder.overlap, found.to_json())
    return found
