"""Texts that are proved, and a decoder without a process of its own, which takes seconds to start."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.coding.bgc_file import Head, UnreadableError
from bytegolf.coding.codec import DamagedError
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import ProvedText, read_proof
from bytegolf.coding.protocol_predictor import ProtocolSettings
from bytegolf.config import ExpertsConfig
from bytegolf.names import ProvableName
from bytegolf.proving.decoded import Decoded
from bytegolf.proving.decoder_process import Decoder
from bytegolf.proving.prove import HeldOutText, prove_text
from bytegolf.proving.receipt import Receipt
from support.proofs import SENTENCES, own

EXPERTS = ExpertsConfig(enabled=True, table_bits=10, history_bits=10)
CONTENT = "".join(SENTENCES[:5]).encode()
TOKENS: Tokens = np.concatenate(([1], own().encode(CONTENT.decode()))).astype(np.uint16)
TEXT = HeldOutText(TOKENS, CONTENT)
LONG_TEXT = HeldOutText(np.tile(TOKENS, 4), CONTENT * 4)


def read(data: bytes, packed: PackedModel) -> ProvedText:
    """Return what a proof file decodes to."""
    file = io.BytesIO(data)
    return read_proof(file, Head.read(file).kind, packed, lambda _: None)


class InProcess(NamedTuple):
    """Decodes in the process that asks."""

    isolated: bool = False

    def __call__(self, artifact: Path, proof: Path) -> Decoded | None:
        try:
            return Decoded.of(read(proof.read_bytes(), PackedModel(artifact)))
        except (UnreadableError, DamagedError):
            return None


IN_PROCESS = InProcess()


def settings_of(packed: PackedModel, protocol: ProvableName) -> ProtocolSettings:
    """Return a protocol with an artifact's own settings."""
    return ProtocolSettings(protocol, packed.artifact.score, packed.artifact.experts)


def proved(path: Path, text: HeldOutText, protocol: ProvableName, decoder: Decoder = IN_PROCESS) -> Receipt:
    """Prove a text by the artifact at `path`, beside it."""
    packed = PackedModel(path)
    return prove_text(packed, text, settings_of(packed, protocol), decoder)
