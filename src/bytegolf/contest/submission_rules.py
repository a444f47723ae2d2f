"""The rules of the contest that a folder can break."""

from pathlib import Path

from bytegolf.contest.logs import CAP_BYTES, TRAIN_SECONDS
from bytegolf.contest.submission import RunResult, SubmissionFacts

EVAL_SECONDS = 600
RECORD_SEEDS = 3
SCRIPT = "train_gpt.py"


def folder_problems(folder: Path, facts: SubmissionFacts) -> list[str]:
    """Return a line for each rule that a folder breaks, by the sizes of its files and the times of its runs."""
    code = (folder / SCRIPT).stat().st_size
    found = [problem for result in facts.seeds for problem in _size_problems(result, code, (folder / result.artifact).stat().st_size)]
    if code != facts.code_bytes:
        found.append(f"{SCRIPT}: expected the {facts.code_bytes:,} bytes that are counted, found {code:,}")
    if facts.entrant.track == "10min_16mb":
        found += _record_problems(facts)
    return found


def _size_problems(result: RunResult, code: int, model: int) -> list[str]:
    """Return what is wrong with the size of one seed's files: one seed over the cap sinks a submission."""
    found = []
    if model != result.artifact_bytes:
        found.append(f"{result.artifact}: expected the {result.artifact_bytes:,} bytes that are counted, found {model:,}")
    if code + model > CAP_BYTES:
        total = f"{code + model:,} bytes, {code:,} of code and {model:,} of {result.artifact}"
        found.append(f"seed {result.seed}: expected at most {CAP_BYTES:,} bytes in total, found {total}")
    return found


def _record_problems(facts: SubmissionFacts) -> list[str]:
    """Return what keeps a submission from being a record."""
    found = []
    if len(facts.seeds) < RECORD_SEEDS:
        found.append(f"expected at least {RECORD_SEEDS} seeds for a record, found {len(facts.seeds)}")
    if not facts.whole:
        found.append("expected a score of all held-out text for a record, found one of its beginning")
    for result in facts.seeds:
        for what, seconds, most in (("training", result.train_seconds, TRAIN_SECONDS), ("evaluation", result.eval_seconds, EVAL_SECONDS)):
            if seconds > most:
                found.append(f"seed {result.seed}: expected {what} of at most {most} s for a record, found {seconds:,.1f} s")
    return found
