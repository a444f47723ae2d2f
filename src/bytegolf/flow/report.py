"""One HTML page about runs, made of what their folders hold."""

from collections.abc import Sequence
from pathlib import Path

from bytegolf.reporting.page import write_report
from bytegolf.reporting.run_report import RunReport
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import sha256_of
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import PackRecord, ScoreRecord


def report(runs: Sequence[Path], out: Path, compressors: Sequence[CompressorScore] = ()) -> Path:
    """Write one HTML page about runs, scripts included, and return its path.

    A run is called by its folder's name, or by its parent's name as well where two runs have one name. Scores of an
    artifact that was replaced since are left out. Raises InputError for what is no finished run.
    """
    paths = list(dict.fromkeys(run.resolve() for run in runs))
    named = len({path.name for path in paths}) == len(paths)
    named_runs = {path.name if named else "/".join(path.parts[-2:]): RunFolder(path) for path in paths}
    shown = [read_run_report(run, name) for name, run in named_runs.items()]
    with claimed(out):
        write_report(out, shown, compressors)
    return out


def read_run_report(run: RunFolder, name: str) -> RunReport:
    """Return what the page shows of a run. Raises InputError if it is not finished, or a record of it is damaged."""
    scores = [read_record(path, ScoreRecord, "a score") for path in sorted(run.root.glob("score-*.json"))]
    pack = read_record(run.pack, PackRecord, "what packing gave").model_dump() if run.pack.exists() else None
    return RunReport(name, run.read_manifest(), run.events(), [score.model_dump() for score in scores if _is_current(run, score)], pack)


def _is_current(run: RunFolder, score: ScoreRecord) -> bool:
    """Return whether the file that was scored still lies in the run's folder unchanged."""
    scored = run.root / score.of
    return scored.is_file() and sha256_of(scored) == score.sha256
