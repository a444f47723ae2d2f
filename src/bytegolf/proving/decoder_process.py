"""The decoder in a process of its own, which sees an artifact and a proof and, in the sandbox, nothing else."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bytegolf.proving.decoded import Decoded
from bytegolf.sandbox import Limits, run_python

LIMITS = Limits(seconds=24 * 3600)


class Decoder(Protocol):
    """Decodes a proof by an artifact."""

    @property
    def isolated(self) -> bool:
        """Whether it sees the two files alone."""

    def __call__(self, artifact: Path, proof: Path) -> Decoded | None:
        """Return the decoded text; None if it does not decode."""


@dataclass(frozen=True)
class DecoderProcess:
    """Decodes in a new process, in the sandbox if it is to be `isolated`.

    Nothing under `hidden` is readable to it then. Raises InputError where there is no sandbox.
    """

    isolated: bool = True
    hidden: tuple[Path, ...] = ()

    def __call__(self, artifact: Path, proof: Path) -> Decoded | None:
        """Decode."""
        outcome = run_python(
            ["-m", "bytegolf.proving.decoder", str(artifact.absolute()), str(proof.absolute())],
            readable=[artifact, proof],
            hidden=self.hidden,
            limits=LIMITS,
            environment={"TERM": os.environ.get("TERM", "dumb")},
            isolated=self.isolated,
            shows_messages=True,
        )
        return Decoded.parse(outcome.stdout) if outcome.status == 0 else None
