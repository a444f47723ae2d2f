"""One HTML page about runs, made of what their folders hold."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.reporting.page import write_report
from bytegolf.reporting.reading import read_contents
from bytegolf.storage.claim import claimed


@dataclass(frozen=True)
class ReportResult:
    """A page: where it is, the runs that it shows, those of them that are not finished, and why others in a folder were left out."""

    report: str
    runs: list[str]
    unfinished: list[str]
    left_out: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return asdict(self)


def report(runs: Sequence[Path], out: Path, *, data: Path | None = None) -> ReportResult:
    """Write one HTML page about runs, or all the runs in a folder, that opens without a network.

    A run is called by its folder's name, or by its parent's name as well where two runs have one name. Scores of an artifact
    that was replaced since are left out. `data` is the data folder, which is looked for beside the runs where it is not given.

    Raises InputError for a run that is named and cannot be read, and for a folder that holds none that can. Runs that have not ended
    are shown as they are.
    """
    contents = read_contents(runs, data)
    with claimed(out):
        write_report(out, contents)
    unfinished = [run.name for run in contents.runs if run.manifest is None]
    return ReportResult(str(out), [run.name for run in contents.runs], unfinished, list(contents.left_out))
