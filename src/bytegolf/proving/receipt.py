"""A claim, the file that backs it, and the verdict: `receipt.json`."""

import hashlib
import os
import time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.coding.bgc_file import SHORT, Head, Unreadable, digest
from bytegolf.coding.predictor import Lane
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.errors import InputError
from bytegolf.names import ProtocolName
from bytegolf.proving.proof_file import Proof, text_of
from bytegolf.runtime.progress import Progress
from bytegolf.sandbox import Limits, run_python
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.files import read_json, sha256_of, write_atomically, write_json
from bytegolf.storage.provenance import provenance

SHARE, SLACK_BYTES = 0.001, 64  # by which a coded size may differ from the claimed bits, either way
DECODE_LIMITS = Limits(seconds=24 * 3600)


@dataclass(frozen=True)
class Receipt:
    """`ok` if the file decodes to the text, and its size is what the score claims. Sizes in bytes, hashes SHA-256."""

    ok: bool
    verdict: str
    protocol: ProtocolName
    bpb_claimed: float
    bpb_coded: float
    bits_claimed: float
    coded_bytes: int
    text_bytes: int
    tokens: int
    sha256: str  # of the text
    artifact_bytes: int
    artifact_sha256: str
    proof_sha256: str
    two_part_bytes: int  # artifact and coded text
    two_part_bpb: float
    artifact: str  # file names, beside the receipt
    proof: str
    score: dict[str, int]  # how the model was scored: one window at a time
    ttt: dict[str, float] | None
    sandboxed: bool
    seconds: dict[str, float]
    date: str
    machine: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> "Receipt":
        """Raises InputError for anything but a receipt."""
        values = read_json(path)
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            raise InputError(f"{path}: expected a receipt with {', '.join(sorted(names))}, found something else")
        return cls(**values)


def prove_text(
    path: Path,
    tokens: Lane,
    text: bytes,
    protocol: ProtocolName,
    ttt: TttConfig,
    *,
    stride: int = 0,
    isolated: bool = True,
    hidden: tuple[Path, ...] = (),
) -> Receipt:
    """Score, code and decode `text`, whose tokens follow the first of `tokens`.

    Writes `proof.bgc` and `receipt.json` beside the artifact `path`. `stride` 0 is the artifact's own. Nothing under `hidden` is
    readable to the process that decodes. Raises InputError for anything but an artifact.
    """
    data = path.read_bytes()
    artifact = read_artifact(data, str(path))
    clock = _Clock()
    config = artifact.score.model_copy(update={"stride": stride or artifact.score.stride, "batch_tokens": artifact.score.window})
    claim = _claim(artifact, config, tokens, len(text), protocol, ttt)
    clock.lap("score")
    with Progress("prove: encode", len(tokens) - 1, "tokens") as progress:
        coded = Proof(protocol, config.stride, ttt).write(artifact, digest(data, SHORT), tokens, progress.advance)
    proof = path.with_name("proof.bgc")
    write_atomically(proof, coded)
    clock.lap("encode")
    decoded = _decoded(path, proof, isolated=isolated, hidden=hidden)
    clock.lap("decode")
    verdict = _verdict(claim, len(coded), decoded == text)
    receipt = Receipt(
        ok=verdict == GOOD,
        verdict=verdict,
        protocol=protocol,
        bpb_claimed=claim.bpb,
        bpb_coded=8 * len(coded) / len(text),
        bits_claimed=claim.bits,
        coded_bytes=len(coded),
        text_bytes=len(text),
        tokens=claim.tokens,
        sha256=hashlib.sha256(text).hexdigest(),
        artifact_bytes=len(data),
        artifact_sha256=hashlib.sha256(data).hexdigest(),
        proof_sha256=hashlib.sha256(coded).hexdigest(),
        two_part_bytes=len(data) + len(coded),
        two_part_bpb=8 * (len(data) + len(coded)) / len(text),
        artifact=path.name,
        proof=proof.name,
        score=config.model_dump(),
        ttt=claim.ttt,
        sandboxed=isolated,
        seconds=clock.laps,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=provenance(),
    )
    write_json(path.with_name("receipt.json"), receipt.to_json())
    return receipt


def check_receipt(path: Path, *, isolated: bool = True) -> Receipt:
    """Decode the proof of a receipt again, score the decoded text again, and compare: the receipt with today's verdict.

    Only the receipt, the proof and the artifact are needed, not the held-out data. Raises InputError where one is missing.
    """
    receipt = Receipt.read(path)
    model, proof = (path.with_name(Path(name).name) for name in (receipt.artifact, receipt.proof))
    for file, sha256 in ((model, receipt.artifact_sha256), (proof, receipt.proof_sha256)):
        if sha256_of(file) != sha256:
            return _with(receipt, f"{file.name} is not the file that the receipt is about")
    decoded = _decoded(model, proof, isolated=isolated, output="tokens")
    if decoded is None:
        return _with(receipt, UNDECODED)
    artifact, tokens = read_artifact(model.read_bytes(), str(model)), np.frombuffer(decoded, "<u2").astype(np.uint16)
    text = text_of(artifact, tokens)
    if hashlib.sha256(text).hexdigest() != receipt.sha256:
        return _with(receipt, UNDECODED)
    config = ScoreConfig.model_validate(receipt.score)
    claim = _claim(artifact, config, tokens, len(text), receipt.protocol, TttConfig.model_validate(receipt.ttt or {}))
    size = proof.stat().st_size
    said = (receipt.bits_claimed, receipt.bpb_claimed, receipt.bpb_coded, receipt.two_part_bpb)
    found = (claim.bits, claim.bpb, 8 * size / len(text), 8 * (size + model.stat().st_size) / len(text))
    whole = (receipt.tokens, receipt.text_bytes, receipt.coded_bytes, receipt.artifact_bytes, receipt.two_part_bytes)
    if not np.allclose(said, found, rtol=1e-4) or whole != (
        claim.tokens,
        len(text),
        size,
        model.stat().st_size,
        size + model.stat().st_size,
    ):
        return _with(receipt, "the receipt says other numbers than its files")
    return _with(receipt, _verdict(claim, size, True))


GOOD = "decodes to the text, at the size that was claimed"
UNDECODED = "does not decode to the text"


def _verdict(claim: Score, size: int, decodes: bool) -> str:
    if not decodes:
        return UNDECODED
    if abs(size - claim.bits / 8) > SHARE * claim.bits / 8 + SLACK_BYTES:
        return f"is coded in {size:,} bytes where {claim.bits / 8:,.0f} were claimed"
    return GOOD


def _with(receipt: Receipt, verdict: str) -> Receipt:
    return Receipt(**{**asdict(receipt), "ok": verdict == GOOD, "verdict": verdict})


def _claim(artifact: Artifact, config: ScoreConfig, tokens: Lane, num_bytes: int, protocol: ProtocolName, ttt: TttConfig) -> Score:
    with Progress(f"prove: score {protocol}", len(tokens) - 1, "tokens") as progress:
        return score_tokens(artifact.model(), tokens, num_bytes, protocol, config, progress.advance, ttt=ttt)


def _decoded(model: Path, proof: Path, *, isolated: bool, hidden: tuple[Path, ...] = (), output: str = "text") -> bytes | None:
    """What a process of its own decodes, on as many threads as it was coded, or None where it fails."""
    try:
        with proof.open("rb") as file:
            threads = Head.read(file).conditions.threads
    except Unreadable:
        return None
    outcome = run_python(
        ["-m", "bytegolf.proving.decoder", str(model.absolute()), str(proof.absolute()), output],
        readable=[model, proof],
        hidden=hidden,
        limits=DECODE_LIMITS,
        environment={"OMP_NUM_THREADS": threads, "TERM": os.environ.get("TERM", "dumb")},
        isolated=isolated,
        shows_messages=True,
    )
    return outcome.stdout if outcome.status == 0 else None


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self.last = round(now - self.last, 3), now
