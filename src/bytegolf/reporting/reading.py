"""Run folders, and folders full of them, read for a page: finished or not, and what of them is still true."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bytegolf.contest.run_scores import kept_scores
from bytegolf.errors import InputError
from bytegolf.proving.receipt import Receipt
from bytegolf.recipes import read_recipe
from bytegolf.reporting.run_report import DataReport, PageContents, RunReport
from bytegolf.reporting.wording import listed
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.data_folder import DataFolder
from bytegolf.storage.files import sha256_of
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import CourseRecord, OverlapRecord, PackRecord, ScoreRecord

SWEEP = "sweep.json"  # which marks the folder of a sweep
MOST_NAMES = 6  # of runs, in a title
DEPTHS = ("*", "*/*", "*/*/*")  # at which a folder of runs may hold them: a sweep's are in cells/NAME
OfFile = TypeVar("OfFile", ScoreRecord, CourseRecord)


def read_contents(paths: Sequence[Path], data: Path | None = None) -> PageContents:
    """Return what a page shows of runs, and of folders of runs. Of those in a folder, what cannot be read is left out and said so.

    `data` is the data folder, which is looked for beside the runs where it is not given. Raises InputError for a path that is no
    run and holds none, for a run that is named and cannot be read, and where nothing was ever logged.
    """
    runs: dict[Path, RunReport] = {}
    left_out: list[str] = []
    for path in paths:
        inside = [] if _is_run(path) else _runs_in(path)
        names = {folder: folder.relative_to(path).as_posix().removeprefix("cells/") for folder in inside}
        for folder in inside or [path]:
            try:
                runs.setdefault(folder.resolve(), read_run_report(RunFolder(folder), names.get(folder, "")))
            except InputError as error:
                if not inside:
                    raise
                left_out.append(str(error))
    shown = _named(list(runs.values()))
    if not any(run.manifest or run.events for run in shown):
        reason = left_out[0] if left_out else f"{paths[0]}: expected a run that has done a step, found one whose log.jsonl is empty"
        raise InputError(reason)
    return PageContents(_title(paths, shown), shown, read_data_report(data, shown), left_out)


def read_run_report(run: RunFolder, name: str = "") -> RunReport:
    """Return what a page shows of a run, finished or not. Raises InputError if it is none, or a record of it is damaged."""
    if not run.recipe.exists():
        run.read_manifest()  # which says what it is instead
        raise InputError(f"{run.root}: expected a run folder, found no recipe.toml in it")
    manifest = run.read_manifest() if run.manifest.exists() else None
    pack = read_record(run.pack, PackRecord, "what packing gave") if run.pack.exists() and run.artifact.exists() else None
    packs = [read_record(path, PackRecord, "what packing gave") for path in sorted(run.root.glob("pack-*.json"))]
    return RunReport(
        name or _called(run.root),
        run.root,
        read_recipe(run.recipe),
        manifest,
        run.events(torn=manifest is None) if run.log.exists() or manifest else [],
        _current(run, [read_record(path, ScoreRecord, "a score") for path in sorted(run.root.glob("score-*.json"))]),
        pack,
        packs,
        _current(run, [read_record(path, CourseRecord, "the bits along a text") for path in sorted(run.root.glob("bits-*.json"))]),
        _receipt(run),
        kept_scores(run.root) if manifest else {},
    )


def read_data_report(given: Path | None, runs: Sequence[RunReport]) -> DataReport | None:
    """Return what is known of the data folder of the first run that has one beside it, or of the one that is `given`.

    Raises InputError if that is not the folder that a run was trained on.
    """
    for run in runs:
        wanted = run.manifest["data_sha256"] if run.manifest else None
        for place in [given] if given else RunFolder(run.folder).data_places():
            folder = DataFolder(place)
            if wanted and folder.manifest_path.is_file() and sha256_of(folder.manifest_path) == wanted:
                return _data_report(folder)
    if given:
        raise InputError(f"{given}: expected the data folder that {runs[0].folder} was trained on, found another or none")
    return None


def _data_report(folder: DataFolder) -> DataReport:
    manifest = folder.manifest()
    assert manifest is not None
    compressors = read_record(folder.compressors, list[CompressorScore], "the scores of compressors") if folder.compressors.exists() else []
    overlap = read_record(folder.overlap, OverlapRecord, "what an audit of the data gave") if folder.overlap.exists() else None
    return DataReport(manifest.to_json(), compressors, overlap)


def _is_run(path: Path) -> bool:
    """Return whether a folder is a run's, and not that of a sweep, which has a recipe too."""
    return (RunFolder(path).recipe.exists() or RunFolder(path).manifest.exists()) and not (path / SWEEP).exists()


def _runs_in(path: Path) -> list[Path]:
    """Return the run folders in a folder, in the order of their names."""
    found = {recipe.parent for depth in DEPTHS for recipe in path.glob(f"{depth}/recipe.toml")} if path.is_dir() else set()
    return sorted(folder for folder in found if _is_run(folder))


def _title(paths: Sequence[Path], runs: Sequence[RunReport]) -> str:
    """Return the name of the only folder that runs were looked for in, or else their own names."""
    if len(paths) == 1 and len(runs) > 1:
        return paths[0].resolve().name
    names = [run.name for run in runs]
    return listed(names) if len(names) <= MOST_NAMES else f"{names[0]} and {len(names) - 1} more"


def _called(folder: Path) -> str:
    """Return the name of a folder as it was given, or that of the one around it where it is called `run`: quickstart's is OUT/run."""
    return (folder.parent.name if folder.name == "run" else "") or folder.name or folder.resolve().name


def _named(runs: list[RunReport]) -> list[RunReport]:
    """Return runs with names that tell them apart: those of their folders, with the folder around where two have one name."""
    if len({run.name for run in runs}) == len(runs):
        return runs
    return [replace(run, name="/".join(run.folder.resolve().parts[-2:])) for run in runs]


def _current(run: RunFolder, records: list[OfFile]) -> list[OfFile]:
    """Return the records of files that still lie in the run's folder unchanged."""
    hashes = {name: sha256_of(run.root / name) for name in {record.of for record in records} if (run.root / name).is_file()}
    return [record for record in records if hashes.get(record.of) == record.sha256]


def _receipt(run: RunFolder) -> Receipt | None:
    """Return the receipt of the artifact that lies beside it, if there is one."""
    path = run.root / "receipt.json"
    receipt = Receipt.read(path) if path.exists() else None
    artifact = run.root / receipt.artifact if receipt else None
    return receipt if receipt and artifact and artifact.is_file() and sha256_of(artifact) == receipt.artifact_sha256 else None
