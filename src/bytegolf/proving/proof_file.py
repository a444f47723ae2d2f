"""`proof.bgc`: held-out text as the scored model codes it. Whoever has the artifact gets the text back.

Behind the head, little-endian: uint32 targets, uint16 the first token, which is given, uint16 stride, 4-byte BLAKE2b of the
stream and the text, for `ttt` how it learned (uint8 length and "place:value" of each setting that is not the default), and one
stream of range-coded tokens up to the file's end.
"""

import io
import json
import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import torch

from bytegolf.arrays import Tokens
from bytegolf.coding.bgc_file import SHORT_DIGEST_BYTES, Head, UnreadableError, digest, read_exactly
from bytegolf.coding.codec import DamagedError, decode, encode
from bytegolf.coding.machine import Conditions
from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.proving.guesses import Repetition, Truth
from bytegolf.proving.protocol_predictor import ProtocolPredictor, ProtocolSettings
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.text.tokenizer import Tokenizer

TEXT_HEAD = struct.Struct(f"<IHH{SHORT_DIGEST_BYTES}s")
KINDS = range(1, 1 + len(PROTOCOLS))  # of file: 1 + the number of the protocol
TTT_SETTINGS = [name for name in TttConfig.model_fields if name != "enabled"]
MOST_TARGETS_PER_BYTE = 1 << 20  # a token costs 2**-24 of a bit at least, and a text that is all of these is none


def write_proof(packed: PackedModel, settings: ProtocolSettings, tokens: Tokens, advance: Callable[[int], None]) -> bytes:
    """Return the proof file of a text whose first token is given.

    `settings.config` is the artifact's own but for the stride. `advance` is told how many more tokens are done.
    """
    predictor = ProtocolPredictor(packed.model, settings, int(tokens[0]), len(tokens) - 1, lambda: Truth(tokens))
    stream = encode(predictor, [tokens[1:]], advance)
    checksum = digest(stream + text_of(packed.artifact.tokenizer, tokens), SHORT_DIGEST_BYTES)
    head = Head(KINDS[PROTOCOLS.index(settings.protocol)], Conditions.here(torch.device("cpu")), packed.digest)
    text_head = TEXT_HEAD.pack(len(tokens) - 1, tokens[0], settings.config.stride, checksum)
    learned = _written_ttt(settings.ttt) if settings.protocol == "ttt" else b""
    return head.to_bytes() + text_head + learned + stream


def read_proof(data: bytes, packed: PackedModel, name: str, advance: Callable[[int], None]) -> Tokens:
    """Return the tokens of a proof file, the given one first.

    `advance` is told how many more tokens are done. Raises InputError, which names the file `name`, for one that cannot be
    decoded here by this artifact.
    """
    file = io.BytesIO(data)
    try:
        head = Head.read(file)
        head.require(KINDS, Conditions.here(torch.device("cpu")), packed.digest, name)
        targets, first, stride, checksum = TEXT_HEAD.unpack(read_exactly(file, TEXT_HEAD.size))
        protocol = PROTOCOLS[KINDS.index(head.kind)]
        ttt = _read_ttt(file) if protocol == "ttt" else TttConfig()
        stream, own = file.read(), packed.artifact.score
        if targets > MOST_TARGETS_PER_BYTE * len(stream) or first >= packed.artifact.config.vocab_size or not 0 < stride <= own.window:
            raise UnreadableError("a damaged head")
        settings = ProtocolSettings(protocol, own.model_copy(update={"stride": stride}), ttt)
        predictor = ProtocolPredictor(packed.model, settings, first, targets, Repetition)
        (lane,) = decode(predictor, [targets], stream, advance)
        tokens = np.concatenate((np.array([first], np.uint16), lane))
        if digest(stream + text_of(packed.artifact.tokenizer, tokens), SHORT_DIGEST_BYTES) != checksum:
            raise UnreadableError("another text than was coded")
    except (UnreadableError, DamagedError) as error:
        raise InputError(f"{name}: expected a proof by this artifact, found {error}") from None
    return tokens


def text_of(tokenizer: Tokenizer, tokens: Tokens) -> bytes:
    """Return what the tokens after the first stand for."""
    return tokenizer.decode(tokens)[len(tokenizer.decode(tokens[:1])) :]


def _written_ttt(ttt: TttConfig) -> bytes:
    """Return the settings that are not the default, as the file has them."""
    values, default = ttt.model_dump(), TttConfig().model_dump()
    written = ",".join(f"{i}:{values[name]!r}" for i, name in enumerate(TTT_SETTINGS) if values[name] != default[name]).encode()
    return struct.pack("<B", len(written)) + written


def _read_ttt(file: BinaryIO) -> TttConfig:
    """Read what `_written_ttt` wrote. Raises UnreadableError for anything else."""
    (length,) = read_exactly(file, 1)
    written = read_exactly(file, length).decode("ascii", "replace")
    try:
        pairs = [setting.split(":") for setting in written.split(",") if setting]
        return TttConfig.model_validate({TTT_SETTINGS[int(place)]: json.loads(value) for place, value in pairs})
    except (ValueError, IndexError):
        raise UnreadableError("damaged settings") from None
