"""Findings, and how the code behind each is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Weight = Literal["violation", "disputed", "defect", "note"]  # only a violation that is on flags a script
DEFAULT, DEAD = "default", "dead"


class Mark(NamedTuple):
    """What a rule says of a place in the code. `nodes` are all that has to be reached for it, the place itself first."""

    rule: str
    weight: Weight
    nodes: Sequence[object]  # ast nodes
    why: str


@dataclass(frozen=True)
class ReviewFinding:
    """A rule that is broken or in question, where, and how that place is reached.

    `reached` is "default", "switch NAME=VALUE …" or "dead"; `on` says whether the run in question had it on, by default or by
    what stands beside the script. Line 0 means the whole file.
    """

    rule: str
    weight: Weight
    file: str
    line: int
    evidence: str
    reached: str
    on: bool
    why: str

    @property
    def flags(self) -> bool:
        """Whether it alone makes the verdict `flag`."""
        return self.weight == "violation" and self.on
