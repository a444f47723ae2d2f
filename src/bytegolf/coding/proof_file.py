"""`proof.bgc`: held-out text as a score's distributions code it. Whoever has the artifact gets the text back.

Behind the head, little-endian: uint32 targets, uint16 the first token, which is given, uint16 stride, uint8 1 with experts,
4-byte BLAKE2b of the stream and the text, and one stream of range-coded tokens up to the file's end.
"""

import struct
from collections.abc import Callable
from typing import BinaryIO, NamedTuple, get_args

from bytegolf.arrays import Tokens
from bytegolf.coding.bgc_file import SHORT_DIGEST_BYTES, Head, UnreadableError, digest, read_exactly
from bytegolf.coding.codec import EncodingSource, decode
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.protocol_predictor import MixtureLedger, ProtocolPredictor, ProtocolSettings
from bytegolf.names import ProvableName
from bytegolf.scoring.exact import exact_rows
from bytegolf.scoring.ledger import Score
from bytegolf.text.tokenizer import Tokenizer

TEXT_HEAD = struct.Struct(f"<IHHB{SHORT_DIGEST_BYTES}s")
PROTOCOLS: tuple[ProvableName, ...] = get_args(ProvableName)  # the kind of a file is 1 + the number of its protocol
MOST_TARGETS_PER_BYTE = 1 << 20  # hardly any text can have more


class Proof(NamedTuple):
    """A coded text and its score: the bits that its tokens were given."""

    data: bytes
    score: Score


class ProvedText(NamedTuple):
    """What a proof decodes to: tokens, the given one first, how they are scored, and the bits that they are given, over one byte."""

    tokens: Tokens
    settings: ProtocolSettings
    score: Score


def write_proof(packed: PackedModel, settings: ProtocolSettings, tokens: Tokens, num_bytes: int, advance: Callable[[int], None]) -> Proof:
    """Return the proof file of a text whose first token is given, and the score that it proves.

    `settings` are the artifact's own, but for the stride and that experts may be left out. `advance` is told how many more tokens are done.
    """
    protocol, config, experts = settings
    mixture = MixtureLedger(settings, packed.artifact.config.vocab_size, len(tokens) - 1, num_bytes)
    source = EncodingSource([tokens[1:]])
    for first, rows_nV in exact_rows(packed.model, tokens, protocol, config):
        for target, row_V in enumerate(rows_nV, first):
            mixture.update(source.take(target, mixture.predict(row_V[None])))
        advance(len(rows_nV))
    stream = source.data()
    checksum = digest(stream + text_of(packed.artifact.tokenizer, tokens), SHORT_DIGEST_BYTES)
    head = Head(1 + PROTOCOLS.index(protocol), packed.digest).to_bytes()
    return Proof(head + TEXT_HEAD.pack(len(tokens) - 1, tokens[0], config.stride, experts is not None, checksum) + stream, mixture.score())


def read_proof(file: BinaryIO, kind: int, packed: PackedModel, advance: Callable[[int], None]) -> ProvedText:
    """Return what a proof of some kind decodes to; `file` is behind its head.

    `advance` is told how many more tokens are done. Raises UnreadableError or DamagedError for anything but a proof by this artifact.
    """
    targets, first, stride, mixed, checksum = TEXT_HEAD.unpack(read_exactly(file, TEXT_HEAD.size))
    stream, artifact = file.read(), packed.artifact
    sound = 0 < kind <= len(PROTOCOLS) and 0 < stride <= artifact.score.window and first < artifact.config.vocab_size
    if not sound or targets > MOST_TARGETS_PER_BYTE * len(stream) or mixed > (artifact.experts is not None):
        raise UnreadableError("a damaged head")
    config = artifact.score.model_copy(update={"stride": stride})
    settings = ProtocolSettings(PROTOCOLS[kind - 1], config, artifact.experts if mixed else None)
    predictor = ProtocolPredictor(packed.model, settings, first, targets)
    decode(predictor, [targets], stream, advance)
    if digest(stream + text_of(artifact.tokenizer, predictor.tokens), SHORT_DIGEST_BYTES) != checksum:
        raise UnreadableError("another text than was coded")
    return ProvedText(predictor.tokens, settings, predictor.mixture.score())


def text_of(tokenizer: Tokenizer, tokens: Tokens) -> bytes:
    """Return what the tokens after the first stand for."""
    return tokenizer.decode(tokens)[len(tokenizer.decode(tokens[:1])) :]
