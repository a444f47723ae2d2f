"""Somebody's receipt, checked on any machine."""

from pathlib import Path

from bytegolf.proving.decoder_process import DecoderProcess
from bytegolf.proving.receipt import Receipt
from bytegolf.proving.verify import verify_receipt


def verify(receipt: Path, *, sandbox: bool = True) -> Receipt:
    """Check a receipt against the proof and artifact beside it, and return it with the new verdict.

    Raises InputError for anything but a receipt, and where there is no `sandbox` and one is asked for.
    """
    return verify_receipt(receipt, DecoderProcess(sandbox))
