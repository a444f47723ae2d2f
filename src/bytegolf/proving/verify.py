"""A receipt checked by the files beside it: the artifact and the proof, without the held-out data."""

import hashlib
import math
from pathlib import Path

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.proving.decoder_process import Decoder
from bytegolf.proving.proof_file import text_of
from bytegolf.proving.protocol_predictor import ProtocolSettings
from bytegolf.proving.prove import score_claim
from bytegolf.proving.receipt import UNDECODED, Receipt, figures, verdict
from bytegolf.storage.files import sha256_of

TOLERANCE = 1e-4  # relative, of numbers that are computed again


def verify_receipt(path: Path, decoder: Decoder) -> Receipt:
    """Decode the proof of a receipt again, score the decoded text again, compare, and return the receipt with today's verdict.

    Raises InputError where a file is missing, or the receipt is none.
    """
    receipt = Receipt.read(path)
    model, proof = (path.with_name(Path(name).name) for name in (receipt.artifact, receipt.proof))
    for file, sha256 in ((model, receipt.artifact_sha256), (proof, receipt.proof_sha256)):
        if not file.is_file():
            raise InputError(f"{file}: expected the file that {path} is about, found none")
        if sha256_of(file) != sha256:
            return receipt.with_verdict(f"{file.name} is not the file that the receipt is about")
    decoded = decoder(model, proof, "tokens")
    if decoded is None:
        return receipt.with_verdict(UNDECODED)
    return receipt.with_verdict(
        _verdict(receipt, PackedModel(model), np.frombuffer(decoded, "<u2").astype(np.uint16), proof.stat().st_size)
    )


def _verdict(receipt: Receipt, packed: PackedModel, tokens: Tokens, coded_bytes: int) -> str:
    """Return the verdict on a receipt whose proof decodes to `tokens`."""
    text = text_of(packed.artifact.tokenizer, tokens)
    if hashlib.sha256(text).hexdigest() != receipt.sha256:
        return UNDECODED
    settings = ProtocolSettings(receipt.protocol, receipt.score, receipt.ttt or TttConfig())
    claim = score_claim(packed, tokens, len(text), settings)
    computed = figures(claim, coded_bytes, packed.size)._asdict()
    if not all(_agree(getattr(receipt, name), value) for name, value in computed.items()):
        return "the receipt says other numbers than its files"
    return verdict(claim, coded_bytes, decodes=True)


def _agree(said: float, computed: float) -> bool:
    """Return whether a number of a receipt is the computed one: exactly if that is whole, else to rounding."""
    return said == computed if isinstance(computed, int) else math.isclose(said, computed, rel_tol=TOLERANCE)
