"""The two sections of a file that are no weights: the header, deflated JSON, and the tokenizer, its own file through LZMA."""

import json
import lzma
import zlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bytegolf.artifact.grid_weights import GridStorage
from bytegolf.artifact.trellis_weights import TrellisStorage
from bytegolf.config import ExpertsConfig, ModelConfig, ScoreConfig
from bytegolf.names import TokenizerName
from bytegolf.storage.records import problem
from bytegolf.text.tokenizer import Tokenizer, tokenizer_from

TOKENIZER_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "pb": 0}]
MAX_HEADER_BYTES = 1 << 16
MAX_TOKENIZER_BYTES = 1 << 24


class Header(BaseModel):
    """The header of an artifact: architecture, settings of scoring and of experts, tokenizer, kind of weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: ModelConfig
    score: ScoreConfig
    experts: ExpertsConfig | None
    tokenizer: TokenizerName
    weights: Annotated[GridStorage | TrellisStorage, Field(discriminator="kind")]


def compress_header(header: Header) -> bytes:
    """Return the section of a header; of the weights it names only what is not the default."""
    values = {**header.model_dump(), "weights": header.weights.model_dump(exclude_defaults=True)}
    return zlib.compress(json.dumps(values, separators=(",", ":"), sort_keys=True).encode(), 9)


def expand_header(data: bytes) -> Header:
    """Return the header. Raises ValueError or zlib.error for what is none."""
    engine = zlib.decompressobj()
    plain = engine.decompress(data, MAX_HEADER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a header that does not end")
    try:
        return Header.model_validate(json.loads(plain))
    except ValidationError as error:
        raise ValueError(f"header: {problem(error)}") from None


def compress_tokenizer(tokenizer: Tokenizer) -> bytes:
    """Return the section of a tokenizer."""
    return lzma.compress(tokenizer.serialised, lzma.FORMAT_RAW, filters=TOKENIZER_FILTERS)


def expand_tokenizer(kind: TokenizerName, data: bytes) -> Tokenizer:
    """Return the tokenizer. Raises ValueError, InputError or lzma.LZMAError for what is none."""
    engine = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=TOKENIZER_FILTERS)
    plain = engine.decompress(data, MAX_TOKENIZER_BYTES)
    if not engine.eof or engine.unused_data:
        raise ValueError("a tokenizer that does not end")
    return tokenizer_from(kind, plain)
