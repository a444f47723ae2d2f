"""The facts of a submission that nobody trained, and its folder."""

from pathlib import Path

from bytegolf.contest.submission import ContestTrack, Entrant, RunResult, SubmissionFacts
from bytegolf.names import ProtocolName
from support.runs import micro

MACHINE: dict[str, str | int] = {"processor": "a processor", "torch": "2.13.0"}


def seed_result(seed: int, bits: float = 3000.0, artifact_bytes: int = 100, train_seconds: float = 590.0) -> RunResult:
    return RunResult(seed, Path(f"run{seed}"), f"artifact_seed{seed}.bgz", artifact_bytes, bits, 3000, 1000, 40, train_seconds, 9.0)


def submission_facts(
    *seeds: RunResult, track: ContestTrack = "non_record_16mb", code_bytes: int = 50, protocol: ProtocolName = "sliding", whole: bool = True
) -> SubmissionFacts:
    entrant = Entrant("Ada", "ada", "A model", track)
    return SubmissionFacts(entrant, micro(), protocol, code_bytes, seeds, whole, MACHINE)


def write_folder(folder: Path, facts: SubmissionFacts) -> Path:
    """Write files of the sizes that the facts tell, sparse ones."""
    sizes = {"train_gpt.py": facts.code_bytes, **{result.artifact: result.artifact_bytes for result in facts.seeds}}
    folder.mkdir(exist_ok=True)
    for name, size in sizes.items():
        with (folder / name).open("wb") as file:
            file.truncate(size)
    return folder
