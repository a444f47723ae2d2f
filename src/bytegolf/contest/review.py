"""A review: what a script does, judged by the rules of the contest."""
from dataclasses import dataclass
from pathlib import Path
from bytegolf.contest.beside import read_beside
from bytegolf.contest.case import Case
from bytegolf.contest.evidence import Finding
from bytegolf.contest.program import read_program
from bytegolf.contest.rules import accounting, adaptation, caches, mixing, outside

@dataclass
class Review:
    verdict: str
    findings: list[Finding]

def review_script(path: Path) -> Review:
    program = read_program(path)
    beside = read_beside(program)
    case = Case(program, beside.variables, beside.attributes)
    found = [f for m in (adaptation, caches, mixing, accounting, outside) for f in m.findings(case)]
    return Review("flag" if any(f.flags for f in found) else "clean", found)
