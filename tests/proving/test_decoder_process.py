"""The decoder as a program: what it finds, and what it makes of files that it cannot decode."""

from pathlib import Path

import numpy as np

from bytegolf.proving.decoded import Decoded, ProofSettings
from bytegolf.proving.decoder_process import DecoderProcess
from support.proved_texts import CONTENT, IN_PROCESS, TOKENS

OUTSIDE = DecoderProcess(isolated=False)  # tests/proving/conftest.py has decoded in the sandbox


def same(found: Decoded | None, expected: Decoded | None) -> bool:
    assert found is not None and expected is not None
    return found[1:] == expected[1:] and np.array_equal(found.tokens, expected.tokens)


def test_it_finds_tokens_and_bits(proof_folder: Path) -> None:
    model, proof = proof_folder / "model.bgz", proof_folder / "proof.bgc"
    found = OUTSIDE(model, proof)
    assert same(found, IN_PROCESS(model, proof))
    assert found is not None and (found.tokens == TOKENS).all()
    assert found.settings == ProofSettings(protocol="sliding", stride=16, experts=True)
    assert found.score(len(CONTENT)).bpb == found.bits / len(CONTENT)


def test_what_was_found_comes_back_from_bytes(proof_folder: Path) -> None:
    found = IN_PROCESS(proof_folder / "model.bgz", proof_folder / "proof.bgc")
    assert found is not None and same(Decoded.parse(found.to_bytes()), found)


def test_a_proof_that_does_not_decode_is_none(copied_proof: Path) -> None:
    model, proof = copied_proof / "model.bgz", copied_proof / "proof.bgc"
    data = proof.read_bytes()
    proof.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert OUTSIDE(model, proof) is None
    proof.write_bytes(b"no proof")
    assert OUTSIDE(model, proof) is None


def test_it_loads_no_torch() -> None:
    import subprocess
    import sys

    modules = "bytegolf.proving.decoder, bytegolf.flow.verify, bytegolf.coding.proof_file, bytegolf.cli.tables"
    code = f"import {modules}, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
