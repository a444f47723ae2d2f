"""A review: what a script does and what stands beside it, judged by the rules of the contest. Nothing of it is run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bytegolf.contest.beside import Beside, read_beside
from bytegolf.contest.case import Case
from bytegolf.contest.evidence import ReviewFinding
from bytegolf.contest.facts import facts_of
from bytegolf.contest.logs import log_findings, mixed_configurations, read_log, too_few_runs
from bytegolf.contest.program import Program, read_program
from bytegolf.contest.rules import accounting, adaptation, caches, choices, documents, hints, mixing, outside, stored
from bytegolf.contest.smoke import Smoke
from bytegolf.contest.submission_file import claimed_bpb, submission_findings
from bytegolf.errors import InputError

SCRIPT_NAMES = ("train_gpt.py", "train_gpt_mlx.py")
FAMILIES = (adaptation, caches, choices, hints, mixing, stored, documents, accounting, outside)
ORDER = {"violation": 0, "disputed": 1, "defect": 2, "note": 3}


@dataclass(frozen=True)
class Review:
    """The verdict on a script, and all that it rests on."""

    verdict: Literal["clean", "flag"]
    file: str
    sha256: str
    findings: tuple[ReviewFinding, ...]
    code_bytes: int  # of the script as shipped
    decoded_bytes: int  # of its innermost layer, or of the files in it
    helper_bytes: int  # of files beside it that it imports or runs
    claimed_bpb: float | None
    facts: dict[str, int | None]
    undecided: tuple[str, ...]
    smoke: Smoke | None = None

    @property
    def flagged(self) -> tuple[ReviewFinding, ...]:
        """The findings that make the verdict `flag`."""
        return tuple(finding for finding in self.findings if finding.flags)

    def to_json(self) -> dict[str, object]:
        """Return the review as one JSON object."""
        return asdict(self)


def script_of(place: Path) -> Path:
    """Return the script that a file or folder is about. Raises InputError if there is none."""
    if not place.is_dir():
        return place
    for name in SCRIPT_NAMES:
        if (place / name).is_file():
            return place / name
    others = sorted(place.glob("train_gpt*.py"))
    if not others:
        raise InputError(f"{place}: expected a folder with train_gpt.py, found none")
    return others[0]


def review_script(path: Path, sha256: str) -> Review:
    """Review a script with what stands beside it. Raises InputError if it is no Python."""
    program = read_program(path)
    beside = read_beside(program)
    case = Case(program, beside.variables, beside.attributes, beside.printed(program))
    facts = facts_of(case)
    sizes = (path.stat().st_size, *(len(source.text.encode()) for source in program.sources))
    found = [finding for family in FAMILIES for finding in family.findings(case)]
    found += _findings_beside(beside, facts["vocabulary"], sizes)
    found.sort(key=lambda finding: (not finding.flags, ORDER[finding.weight], not finding.on, finding.file, finding.line))
    return Review(
        verdict="flag" if any(finding.flags for finding in found) else "clean",
        file=str(path),
        sha256=sha256,
        findings=tuple(found),
        code_bytes=sizes[0],
        decoded_bytes=_decoded_bytes(program) or sizes[0],
        helper_bytes=sum(helper.stat().st_size for helper in program.helpers),
        claimed_bpb=claimed_bpb(beside.submission),
        facts=facts,
        undecided=tuple(_undecided(program)),
    )


def _decoded_bytes(program: Program) -> int:
    """Return the bytes of the innermost layer, or of all files in an archive, 0 if nothing is packed."""
    packed = {source.name: len(source.text.encode()) for source in program.sources if ", " in source.name}
    layers = [size for name, size in packed.items() if ", layer " in name]
    return max([0, *layers, sum(packed.values()) - sum(layers)])


def _findings_beside(beside: Beside, vocabulary: int | None, sizes: tuple[int, ...]) -> list[ReviewFinding]:
    """Return the findings of logs and of submission.json."""
    logs = [read_log(name, text) for name, text in beside.logs.items()]
    found = [finding for facts in logs for finding in log_findings(facts, vocabulary, sizes)]
    return [*found, *too_few_runs(logs), *mixed_configurations(logs), *submission_findings(beside.submission, logs)]


def _undecided(program: Program) -> list[str]:
    """Return what a reading of Python alone cannot decide about this script."""
    told = [f"{item.source.name}:{item.node.lineno} runs text that could not be read: {item.why}" for item in program.opaque]
    names = set(program.aliases.values())
    if any(name.startswith(("ctypes", "cffi")) or "load_inline" in name or "cpp_extension" in name for name in names):
        told.append("compiled code, of which only the text was searched")
    return told
