"""`proof.bgc`: held-out text as the scored model codes it. Whoever has the artifact gets the text back.

Behind the head, little-endian: uint32 targets, uint16 the first token, which is given, uint16 stride, 4-byte BLAKE2b of the
stream and the text, for `ttt` how it learned (uint8 length and "place:value" of each setting that is not the default), and one
stream of range-coded tokens up to the file's end.
"""

import io
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import torch

from bytegolf.artifact.container import Artifact
from bytegolf.coding.bgc_file import SHORT, Head, Unreadable, digest, exactly
from bytegolf.coding.codec import DamagedError, decode, encode
from bytegolf.coding.machine import Conditions
from bytegolf.coding.predictor import Lane
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Draft, Repetition, Truth
from bytegolf.proving.protocol_predictor import Replay, reading
from bytegolf.scoring.protocols import PROTOCOLS

TEXT_HEAD = struct.Struct(f"<IHH{SHORT}s")
TTT_SETTINGS = [name for name in TttConfig.model_fields if name != "enabled"]
MOST_TARGETS_PER_BYTE = 1 << 20  # a token costs 2**-24 of a bit at least, and a text that is all of these is none


@dataclass(frozen=True)
class Proof:
    """How a text is coded: by which protocol, at which stride, and how `ttt` learns."""

    protocol: ProtocolName
    stride: int
    ttt: TttConfig

    def write(self, artifact: Artifact, identity: bytes, tokens: Lane, advance: Callable[[int], None]) -> bytes:
        """The file; `tokens` begin with the one that is given."""
        predictor = self._replay(artifact, int(tokens[0]), len(tokens) - 1, lambda: Truth(tokens))
        stream = encode(predictor, [tokens[1:]], advance)
        checksum = digest(stream + text_of(artifact, tokens), SHORT)
        head = Head(1 + PROTOCOLS.index(self.protocol), Conditions.here(torch.device("cpu")), identity)
        return head.to_bytes() + TEXT_HEAD.pack(len(tokens) - 1, tokens[0], self.stride, checksum) + self._settings() + stream

    @classmethod
    def read(cls, data: bytes, artifact: Artifact, identity: bytes, name: str, advance: Callable[[int], None]) -> Lane:
        """The tokens, the given one first. Raises InputError, which names the file `name`, for one that cannot be decoded here."""
        file = io.BytesIO(data)
        try:
            head = Head.read(file)
            head.require(range(1, 1 + len(PROTOCOLS)), Conditions.here(torch.device("cpu")), identity, name)
            targets, first, stride, checksum = TEXT_HEAD.unpack(exactly(file, TEXT_HEAD.size))
            protocol = PROTOCOLS[head.kind - 1]
            proof = cls(protocol, stride, _ttt(file) if protocol == "ttt" else TttConfig())
            stream = file.read()
            if (
                targets > MOST_TARGETS_PER_BYTE * len(stream)
                or first >= artifact.config.vocab_size
                or not 0 < stride <= artifact.score.window
            ):
                raise Unreadable("a damaged head")
            (lane,) = decode(proof._replay(artifact, first, targets, Repetition), [targets], stream, advance)
            tokens = np.concatenate((np.array([first], np.uint16), lane))
            if digest(stream + text_of(artifact, tokens), SHORT) != checksum:
                raise Unreadable("another text than was coded")
        except (Unreadable, DamagedError) as error:
            raise InputError(f"{name}: expected a proof by this artifact, found {error}") from None
        return tokens

    def _replay(self, artifact: Artifact, first: int, targets: int, draft: Callable[[], Draft]) -> Replay:
        read = reading(artifact.model(), self.protocol, artifact.score.model_copy(update={"stride": self.stride}), self.ttt)
        return Replay(artifact.config.vocab_size, read, first, targets, draft)

    def _settings(self) -> bytes:
        if self.protocol != "ttt":
            return b""
        values, default = self.ttt.model_dump(), TttConfig().model_dump()
        written = ",".join(f"{i}:{values[name]!r}" for i, name in enumerate(TTT_SETTINGS) if values[name] != default[name]).encode()
        return struct.pack("<B", len(written)) + written


def _ttt(file: BinaryIO) -> TttConfig:
    (length,) = exactly(file, 1)
    written = exactly(file, length).decode("ascii", "replace")
    try:
        pairs = [setting.split(":") for setting in written.split(",") if setting]
        return TttConfig.model_validate({TTT_SETTINGS[int(place)]: json.loads(value) for place, value in pairs})
    except (ValueError, IndexError):
        raise Unreadable("damaged settings") from None


def text_of(artifact: Artifact, tokens: Lane) -> bytes:
    """What the tokens after the given one stand for."""
    return artifact.tokenizer.decode(tokens)[len(artifact.tokenizer.decode(tokens[:1])) :]
