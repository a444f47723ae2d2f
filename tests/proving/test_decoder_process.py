"""The decoder as a program: what it writes, and what it makes of files that it cannot decode."""

from pathlib import Path

import numpy as np

from bytegolf.proving.decoder_process import DecoderProcess
from support.proved_texts import CONTENT, TOKENS

OUTSIDE = DecoderProcess(isolated=False)  # tests/proving/conftest.py has decoded in the sandbox


def test_it_writes_the_text_or_its_tokens(proof_folder: Path) -> None:
    model, proof = proof_folder / "model.bgz", proof_folder / "proof.bgc"
    assert OUTSIDE(model, proof) == CONTENT
    assert OUTSIDE(model, proof, "tokens") == TOKENS.astype(np.dtype("<u2")).tobytes()


def test_a_proof_that_does_not_decode_is_none(copied_proof: Path) -> None:
    model, proof = copied_proof / "model.bgz", copied_proof / "proof.bgc"
    data = proof.read_bytes()
    proof.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert OUTSIDE(model, proof) is None
    proof.write_bytes(b"no proof")  # does not even name its number of threads
    assert OUTSIDE(model, proof) is None
