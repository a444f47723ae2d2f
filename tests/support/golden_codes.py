"""The `.bgc` files of version 1 that are kept: what they hold, and how they were made.

After a change that is meant to alter the format (with a new version, and a reader of this one), write new files beside the old ones:

    cd tests && PYTHONPATH=../src python -m support.golden_codes
"""

import tempfile
from pathlib import Path

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.coding.block_coder import Layout
from bytegolf.coding.compressor import Compressor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import write_proof
from bytegolf.coding.protocol_predictor import ProtocolSettings
from bytegolf.names import ProvableName
from support.golden_artifacts import GOLDEN

FOLDER = Path(__file__).parents[1] / "coding"
TEXT = b"one for one and two for two, one for one and none for you"
PROOFS: dict[ProvableName, Path] = {name: FOLDER / f"golden-{name}-v1.bgc" for name in ("standard", "sliding", "streaming")}
BLOCKS = FOLDER / "golden-blocks-v1.bgc"
LAYOUT = Layout(block_bytes=30)


def packed() -> PackedModel:
    return PackedModel(GOLDEN["grid"].file)


def tokens() -> Tokens:
    return np.concatenate(([1], packed().artifact.tokenizer.encode(TEXT.decode()))).astype(np.uint16)


def proof(protocol: ProvableName) -> bytes:
    model = packed()
    settings = ProtocolSettings(protocol, model.artifact.score, model.artifact.experts)
    return write_proof(model, settings, tokens(), len(TEXT), lambda _: None).data


def blocks() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in"), Path(folder, "out")
        source.write_bytes(TEXT[:30] + bytes(30))
        Compressor(packed(), LAYOUT).compress(source, out)
        return out.read_bytes()


if __name__ == "__main__":
    for protocol, file in PROOFS.items():
        file.write_bytes(proof(protocol))
    BLOCKS.write_bytes(blocks())
