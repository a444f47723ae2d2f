"""A score, the file that backs it, and their receipt."""

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from bytegolf.arrays import Tokens
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import text_of, write_proof
from bytegolf.coding.protocol_predictor import ProtocolSettings
from bytegolf.proving.decoder_process import Decoder
from bytegolf.proving.receipt import GOOD, Receipt, figures, unchecked, verdict
from bytegolf.runtime.progress import Progress
from bytegolf.scoring.ledger import Score
from bytegolf.storage.files import write_atomically, write_json
from bytegolf.storage.provenance import provenance


class HeldOutText(NamedTuple):
    """Held-out text: the bytes `content`, which are what all `tokens` after the first stand for; they may be a `part` of it."""

    tokens: Tokens
    content: bytes
    part: bool = False


def prove_text(
    packed: PackedModel, text: HeldOutText, settings: ProtocolSettings, decoder: Decoder, keep: Callable[[Score], None] = lambda claim: None
) -> Receipt:
    """Score, code and decode a text. Writes `proof.bgc` and `receipt.json` beside the artifact.

    `settings` are the artifact's own, but for the stride and that experts may be left out. `keep` is given the score that is claimed.
    """
    times = StageTimes()
    with Progress("prove: encode", len(text.tokens) - 1, "tokens") as progress:
        coded, claim = write_proof(packed, settings, text.tokens, len(text.content), progress.advance)
    proof = packed.path.with_name("proof.bgc")
    write_atomically(proof, coded)
    times.lap("encode")
    decoded = decoder(packed.path, proof)
    times.lap("decode")
    content = None if decoded is None else text_of(packed.artifact.tokenizer, decoded.tokens)
    outcome = verdict(claim, len(coded), content == text.content)
    receipt = Receipt(
        ok=outcome == GOOD,
        verdict=outcome,
        **figures(claim, len(coded), packed.size)._asdict(),
        protocol=settings.protocol,
        window=settings.config.window,
        stride=settings.config.stride,
        experts=settings.experts is not None,
        sha256=hashlib.sha256(text.content).hexdigest(),
        artifact_sha256=packed.sha256,
        proof_sha256=hashlib.sha256(coded).hexdigest(),
        artifact=packed.path.name,
        proof=proof.name,
        sandboxed=decoder.isolated,
        not_checked=unchecked(decoder.isolated, text.part),
        seconds=times.laps,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=provenance(),
    )
    write_json(packed.path.with_name("receipt.json"), receipt.to_json())
    keep(claim)
    return receipt


class StageTimes:
    """The seconds that each stage of a proof took, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap, or the beginning."""
        now = time.monotonic()
        self.laps[name], self.last = round(now - self.last, 3), now
