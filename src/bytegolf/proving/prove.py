"""A score, the file that backs it, and their receipt."""

import hashlib
import time
from datetime import UTC, datetime
from typing import NamedTuple

from bytegolf.arrays import Tokens
from bytegolf.coding.packed_model import PackedModel
from bytegolf.proving.decoder_process import Decoder
from bytegolf.proving.proof_file import write_proof
from bytegolf.proving.protocol_predictor import ProtocolSettings
from bytegolf.proving.receipt import GOOD, Receipt, figures, verdict
from bytegolf.runtime.progress import Progress
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.files import write_atomically, write_json
from bytegolf.storage.provenance import provenance


class HeldOutText(NamedTuple):
    """Held-out text: the bytes `content`, which are what all `tokens` after the first stand for."""

    tokens: Tokens
    content: bytes


def prove_text(packed: PackedModel, text: HeldOutText, settings: ProtocolSettings, decoder: Decoder) -> Receipt:
    """Score, code and decode a text. Writes `proof.bgc` and `receipt.json` beside the artifact.

    `settings.config` is the artifact's own but for the stride.
    """
    times = StageTimes()
    own = settings.config
    settings_of_claim = settings._replace(config=own.model_copy(update={"batch_tokens": own.window}))
    claim = score_claim(packed, text.tokens, len(text.content), settings_of_claim)
    times.lap("score")
    with Progress("prove: encode", len(text.tokens) - 1, "tokens") as progress:
        coded = write_proof(packed, settings, text.tokens, progress.advance)
    proof = packed.path.with_name("proof.bgc")
    write_atomically(proof, coded)
    times.lap("encode")
    decoded = decoder(packed.path, proof)
    times.lap("decode")
    outcome = verdict(claim, len(coded), decoded == text.content)
    receipt = Receipt(
        ok=outcome == GOOD,
        verdict=outcome,
        protocol=settings.protocol,
        **figures(claim, len(coded), packed.size)._asdict(),
        sha256=hashlib.sha256(text.content).hexdigest(),
        artifact_sha256=packed.sha256,
        proof_sha256=hashlib.sha256(coded).hexdigest(),
        artifact=packed.path.name,
        proof=proof.name,
        score=settings_of_claim.config,
        ttt=settings.ttt if settings.protocol == "ttt" else None,
        sandboxed=decoder.isolated,
        seconds=times.laps,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=provenance(),
    )
    write_json(packed.path.with_name("receipt.json"), receipt.to_json())
    return receipt


def score_claim(packed: PackedModel, tokens: Tokens, num_bytes: int, settings: ProtocolSettings) -> Score:
    """Return the score of a text, whose tokens after the first stand for `num_bytes` bytes."""
    protocol, config, ttt = settings
    with Progress(f"prove: score {protocol}", len(tokens) - 1, "tokens") as progress:
        return score_tokens(packed.model, tokens, num_bytes, protocol, config, progress.advance, ttt=ttt)


class StageTimes:
    """The seconds that each stage of a proof took, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap, or the beginning."""
        now = time.monotonic()
        self.laps[name], self.last = round(now - self.last, 3), now
