"""A receipt checked by the files beside it: the artifact and the proof, without the held-out data."""

import hashlib
import math
from pathlib import Path

from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import text_of
from bytegolf.errors import InputError
from bytegolf.proving.decoded import Decoded
from bytegolf.proving.decoder_process import Decoder
from bytegolf.proving.receipt import UNDECODED, Receipt, figures, verdict
from bytegolf.storage.files import sha256_of

TOLERANCE = 1e-9  # relative: numbers are written in decimals, and bits summed in another grouping
OTHER_NUMBERS = "the receipt says other numbers than its files"


def verify_receipt(path: Path, decoder: Decoder) -> Receipt:
    """Decode the proof of a receipt again, compute its figures again, compare, and return the receipt with today's verdict.

    Raises InputError where a file is missing, or the receipt is none.
    """
    receipt = Receipt.read(path)
    model, proof = (path.with_name(Path(name).name) for name in (receipt.artifact, receipt.proof))
    for file, sha256 in ((model, receipt.artifact_sha256), (proof, receipt.proof_sha256)):
        if not file.is_file():
            raise InputError(f"{file}: expected the file that {path} is about, found none")
        if sha256_of(file) != sha256:
            return receipt.with_verdict(f"{file.name} is not the file that the receipt is about")
    decoded = decoder(model, proof)
    outcome = UNDECODED if decoded is None else _verdict(receipt, PackedModel(model), decoded, proof.stat().st_size)
    return receipt.with_verdict(outcome)


def _verdict(receipt: Receipt, packed: PackedModel, decoded: Decoded, coded_bytes: int) -> str:
    """Return the verdict on a receipt whose proof decodes to something."""
    text = text_of(packed.artifact.tokenizer, decoded.tokens)
    if hashlib.sha256(text).hexdigest() != receipt.sha256:
        return UNDECODED
    claim = decoded.score(len(text))
    computed = {
        **figures(claim, coded_bytes, packed.size)._asdict(),
        **decoded.settings.model_dump(),
        "window": packed.artifact.score.window,
    }
    if not all(_agree(getattr(receipt, name), value) for name, value in computed.items()):
        return OTHER_NUMBERS
    return verdict(claim, coded_bytes, decodes=True)


def _agree(said: object, computed: object) -> bool:
    """Return whether a value of a receipt is the computed one: exactly, or if it is no whole number to rounding."""
    if isinstance(said, float) and isinstance(computed, float):
        return math.isclose(said, computed, rel_tol=TOLERANCE)
    return said == computed
