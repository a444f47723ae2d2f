"""The `.bgz` file: a complete model and its tokenizer in as few bytes as this format can.

Byte by byte in docs/artifact.md. Everything is little-endian:

    magic "BGZ" + version | uint32 file length | 8-byte BLAKE2b of all that follows
    section header       deflated JSON: architecture, how the model is meant to be scored, kind of tokenizer, kind of weights
    section tokenizer    LZMA of the tokenizer's own file
    sections of weights  as `GridWeights` or `TrellisWeights` have them
    8-byte BLAKE2b of the decoded integers

Each section is a uint32 length and that many bytes. Loading checks length and checksum before it parses, and the
architecture against the file's size before it allocates.
"""

import hashlib
import lzma
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import zstandard

from bytegolf.arrays import Floats, Integers
from bytegolf.artifact.grid_weights import GridStorage, GridWeights
from bytegolf.artifact.header import Header, compress_header, compress_tokenizer, expand_header, expand_tokenizer
from bytegolf.artifact.magnitudes import CorruptStreamError
from bytegolf.artifact.sections import CHECKSUM_BYTES, PackedFile, SectionReader, checked_body, join_sections
from bytegolf.artifact.stored_weights import StoredWeights
from bytegolf.artifact.trellis_weights import TrellisStorage, TrellisWeights
from bytegolf.config import ExpertsConfig, ModelConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.shapes import parameter_count, parameter_shapes
from bytegolf.names import CoderName
from bytegolf.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch

    from bytegolf.model.gpt import GPT

# What parsing a hostile file may raise.
DECODING_ERRORS = (
    *(CorruptStreamError, InputError, ValueError, KeyError, TypeError, RecursionError),
    *(zlib.error, lzma.LZMAError, zstandard.ZstdError),
)
MAX_WEIGHTS_PER_BYTE = 64  # of the sections of weights; even 1 bit a weight is 8
FREE_WEIGHTS = 1 << 22  # a model this small may be all zeros, which cost nothing


@dataclass(frozen=True)
class Artifact:
    """A model as a `.bgz` file holds it: architecture, how it is to be scored, tokenizer, weights and their coder, experts if any."""

    config: ModelConfig
    score: ScoreConfig
    tokenizer: Tokenizer
    weights: StoredWeights
    coder: CoderName = "range"
    experts: ExpertsConfig | None = None

    def __post_init__(self) -> None:
        if not self.weights.holds(list(parameter_shapes(self.config))):
            raise ValueError("parameters that are not the model's, or out of order")

    def decoded(self) -> dict[str, Floats]:
        """Return the weights by the names of the model's parameters, in their shapes."""
        return {name: self.weights.values(name).reshape(shape) for name, shape in parameter_shapes(self.config).items()}

    def model(self, compute_dtype: "torch.dtype | None" = None) -> "GPT":
        """Return the decoded model, ready to score; its compute is in float32 unless told otherwise."""
        import torch  # which takes seconds to load, and reading weights has no use for

        from bytegolf.model.gpt import GPT

        model = GPT(self.config, compute_dtype or torch.float32)
        model.load_state_dict({name: torch.from_numpy(values) for name, values in self.decoded().items()})
        return model.eval()


def write_artifact(artifact: Artifact) -> PackedFile:
    """Return the file of an artifact; the same artifact gives the same bytes."""
    storage = artifact.weights.storage(artifact.coder)
    assert isinstance(storage, GridStorage | TrellisStorage)  # all that a header can name
    header = Header(
        model=artifact.config, score=artifact.score, experts=artifact.experts, tokenizer=artifact.tokenizer.kind, weights=storage
    )
    sections = {
        "header": compress_header(header),
        "tokenizer": compress_tokenizer(artifact.tokenizer),
        **artifact.weights.sections(artifact.coder),
    }
    return join_sections(sections, _digest(artifact.weights.coded()))


def read_artifact(data: bytes, name: str = "artifact") -> Artifact:
    """Return the artifact of a file, which errors call `name`.

    Raises InputError for anything but a complete, unaltered file of this format.
    """
    body = checked_body(data, name)
    try:
        return _parse(body)
    except DECODING_ERRORS as error:
        raise InputError(f"{name}: expected a bytegolf artifact, found a damaged one ({error})") from None


def _parse(body: bytes) -> Artifact:
    """Return the artifact of a file's body. Raises DECODING_ERRORS."""
    reader = SectionReader(body)
    texts = {section: reader.take(section) for section in ("header", "tokenizer")}
    header = expand_header(texts["header"])
    sections = {section: reader.take(section) for section in header.weights.section_names}
    checksum = reader.take_checksum()
    tokenizer = expand_tokenizer(header.tokenizer, texts["tokenizer"])
    if tokenizer.vocab_size != header.model.vocab_size:
        raise ValueError(f"a vocabulary of {tokenizer.vocab_size} for a model of {header.model.vocab_size}")
    _require_size(header.model, sections)
    weights = _decode_weights(header, sections)
    if _digest(weights.coded()) != checksum:
        raise ValueError("integers that differ from those coded")
    return Artifact(header.model, header.score, tokenizer, weights, header.weights.coder, header.experts)


def _decode_weights(header: Header, sections: Mapping[str, bytes]) -> StoredWeights:
    """Return the weights of the header's kind."""
    if isinstance(header.weights, GridStorage):
        return GridWeights.from_sections(header.weights, header.model, sections)
    return TrellisWeights.from_sections(header.weights, header.model, sections)


def _require_size(config: ModelConfig, sections: Mapping[str, bytes]) -> None:
    """Raise ValueError if the file is too small for so many weights."""
    if parameter_count(config) > max(MAX_WEIGHTS_PER_BYTE * sum(map(len, sections.values())), FREE_WEIGHTS):
        raise ValueError("an architecture far larger than the file")


def _digest(coded: Mapping[str, list[Integers]]) -> bytes:
    """Return the checksum of all integers, section by section."""
    digest = hashlib.blake2b(digest_size=CHECKSUM_BYTES)
    for matrices in coded.values():
        for matrix in matrices:
            digest.update(matrix.astype("<i4").tobytes())
    return digest.digest()
