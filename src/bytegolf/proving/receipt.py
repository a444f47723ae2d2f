"""The receipt of a proof, `receipt.json`: what is claimed, of which files, and the verdict."""

from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, FiniteFloat

from bytegolf.names import ProvableName
from bytegolf.scoring.ledger import Score
from bytegolf.storage.records import Count, FileName, read_record

SHARE, SLACK_BYTES = 0.0005, 64  # by which a coded size may differ from the claimed bits, either way
GOOD = "decodes to the text, at the size that was claimed"
UNDECODED = "does not decode to the text"
REST = "the text behind the part that is coded"  # of which a proof of a part says nothing


class Figures(NamedTuple):
    """The numbers of a receipt, which follow from the score and the sizes of the files. Sizes are in bytes."""

    bpb_claimed: float
    bpb_model: float | None  # of the model without its experts
    bpb_coded: float
    bits_claimed: float
    coded_bytes: int
    text_bytes: int
    tokens: int
    artifact_bytes: int
    two_part_bytes: int  # artifact and coded text
    two_part_bpb: float


class Receipt(BaseModel):
    """A claim and what backs it: `ok` if the file decodes to the text, and its size is what the score claims.

    Sizes are in bytes, hashes SHA-256. `Figures` explains the numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ok: bool
    verdict: str
    protocol: ProvableName
    bpb_claimed: FiniteFloat
    bpb_model: FiniteFloat | None
    bpb_coded: FiniteFloat
    bits_claimed: FiniteFloat
    coded_bytes: Count
    text_bytes: Count
    tokens: Count
    sha256: str  # of the text
    artifact_bytes: Count
    artifact_sha256: str
    proof_sha256: str
    two_part_bytes: Count
    two_part_bpb: FiniteFloat
    artifact: FileName  # both beside the receipt
    proof: FileName
    window: Count  # tokens in sight at most
    stride: Count
    experts: bool
    sandboxed: bool
    not_checked: list[str]
    seconds: dict[str, FiniteFloat]
    date: str
    machine: dict[str, Any]

    @property
    def partial(self) -> bool:
        """Return whether it is of the beginning of a text alone."""
        return REST in self.not_checked

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as an object for JSON."""
        return self.model_dump()

    def with_verdict(self, verdict: str) -> "Receipt":
        """Return the same receipt with another verdict."""
        return self.model_copy(update={"ok": verdict == GOOD, "verdict": verdict})

    @classmethod
    def read(cls, path: Path) -> "Receipt":
        """Read a receipt. Raises InputError for anything else."""
        return read_record(path, cls, "a receipt, as prove writes it beside an artifact")


def figures(claim: Score, coded_bytes: int, artifact_bytes: int) -> Figures:
    """Return the numbers of a receipt for a score and the sizes of proof and artifact."""
    both = artifact_bytes + coded_bytes
    return Figures(
        bpb_claimed=claim.bpb,
        bpb_model=claim.bpb_model,
        bpb_coded=8 * coded_bytes / claim.bytes,
        bits_claimed=claim.bits,
        coded_bytes=coded_bytes,
        text_bytes=claim.bytes,
        tokens=claim.tokens,
        artifact_bytes=artifact_bytes,
        two_part_bytes=both,
        two_part_bpb=8 * both / claim.bytes,
    )


def verdict(claim: Score, coded_bytes: int, decodes: bool) -> str:
    """Return whether the proof backs the claim: `GOOD`, or else what is wrong."""
    if not decodes:
        return UNDECODED
    if abs(coded_bytes - claim.bits / 8) > SHARE * claim.bits / 8 + SLACK_BYTES:
        return f"is coded in {coded_bytes:,} bytes where {claim.bits / 8:,.0f} were claimed"
    return GOOD


def unchecked(isolated: bool, part: bool) -> list[str]:
    """Return what a receipt says nothing about: a proof of `part` of a text, decoded `isolated` or not."""
    subjects = [
        "whether the model was trained on this text, or chosen by its score on it",
        "whether this is the held-out text of any data set: the receipt has its SHA-256",
        "the size of the program that decodes, which no figure counts",
    ]
    if part:
        subjects.append(REST)
    if not isolated:
        subjects.append("what else the decoder had access to")
    return subjects
