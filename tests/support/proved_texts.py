"""Texts that are proved, and a decoder without a process of its own, which takes seconds to start."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.names import ProtocolName
from bytegolf.proving.decoder_process import Decoder, Output
from bytegolf.proving.proof_file import read_proof, text_of
from bytegolf.proving.protocol_predictor import ProtocolSettings
from bytegolf.proving.prove import HeldOutText, prove_text
from bytegolf.proving.receipt import Receipt
from support.proofs import SENTENCES, own

TTT = TttConfig(chunk_tokens=80)
CONTENT = "".join(SENTENCES[:5]).encode()
TOKENS = np.concatenate(([1], own().encode(CONTENT.decode()))).astype(np.uint16)
TEXT = HeldOutText(TOKENS, CONTENT)
LONG_TEXT = HeldOutText(np.tile(TOKENS, 4), CONTENT * 4)


class InProcess(NamedTuple):
    """Decodes in the process that asks."""

    isolated: bool = False

    def __call__(self, artifact: Path, proof: Path, output: Output = "text") -> bytes | None:
        packed = PackedModel(artifact)
        try:
            tokens = read_proof(proof.read_bytes(), packed, str(proof), lambda _: None)
        except InputError:
            return None
        return tokens.astype("<u2").tobytes() if output == "tokens" else text_of(packed.artifact.tokenizer, tokens)


IN_PROCESS = InProcess()


def settings_of(packed: PackedModel, protocol: ProtocolName) -> ProtocolSettings:
    """Return a protocol with an artifact's own settings, and ones of `ttt` for short texts."""
    return ProtocolSettings(protocol, packed.artifact.score, TTT)


def proved(path: Path, text: HeldOutText, protocol: ProtocolName, decoder: Decoder = IN_PROCESS) -> Receipt:
    """Prove a text by the artifact at `path`, beside it."""
    packed = PackedModel(path)
    return prove_text(packed, text, settings_of(packed, protocol), decoder)
