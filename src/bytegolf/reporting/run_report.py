"""What a page shows of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunReport:
    """The contents of a run folder that a page shows: manifest.json, log.jsonl, the score files, and pack.json if there is one."""

    name: str
    manifest: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]
    scores: Sequence[Mapping[str, Any]]
    pack: Mapping[str, Any] | None
