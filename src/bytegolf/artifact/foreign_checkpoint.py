"""Checkpoints of other programs, read as what they are: names and tensors, and nothing that runs.

A `.pt` of torch, a `.safetensors`, or the quantised export of the baseline: a torch file {"w": tensors, "m": kinds}
through zstd, zlib or LZMA, in which `name.q` and `name.scale` stand for the weight `name` = q · scale, scale one per row.
"""

import io
import lzma
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import zstandard
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from bytegolf.artifact.state_dict import state_dict
from bytegolf.errors import InputError

Expand = Callable[[bytes, int], bytes]  # at most so many bytes of what was compressed

COMPRESSED: dict[bytes, Expand] = {
    b"\x28\xb5\x2f\xfd": lambda data, limit: zstandard.ZstdDecompressor().stream_reader(data).read(limit),
    b"\xfd7zXZ\0": lambda data, limit: lzma.LZMADecompressor(memlimit=1 << 28).decompress(data, limit),
    **dict.fromkeys((b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), lambda data, limit: zlib.decompressobj().decompress(data, limit)),
}
TORCH = (b"PK\x03\x04", b"\x80")  # a zip archive, or the bare pickle of old versions
READING_ERRORS = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, SafetensorError, zlib.error, lzma.LZMAError, zstandard.ZstdError),
    *(
        RuntimeError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        AssertionError,
        ArithmeticError,
        MemoryError,
        struct.error,
    ),
)
BYTES_PER_WEIGHT, OVERHEAD = 16, 1 << 24  # what an honest file takes at most, expanded: float32 weights, Adam's state, an average


def read_tensors(path: Path, parameters: int) -> dict[str, object]:
    """Return all weights of a checkpoint by the names of the program that wrote it, as they are, and what it keeps beside them.

    Raises InputError for a file that is no such checkpoint, wants to run code, or is far larger than a model of `parameters` weights.
    """
    limit = BYTES_PER_WEIGHT * parameters + OVERHEAD
    try:
        if path.stat().st_size > limit:
            raise InputError(f"{path}: expected at most {limit:,} bytes for {parameters:,} parameters, found {path.stat().st_size:,}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected a checkpoint, found {error.strerror}") from None
    try:
        return state_dict(_load(_expanded(data, limit), limit), str(path))
    except _TooLargeError:
        raise InputError(f"{path}: expected at most {limit:,} bytes for {parameters:,} parameters, found more once expanded") from None
    except pickle.UnpicklingError:
        raise InputError(f"{path}: expected tensors and nothing else, found a pickle that is damaged or wants to run code") from None
    except READING_ERRORS as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise InputError(f"{path}: expected a checkpoint of tensors, found something else ({reason})") from None


class _TooLargeError(Exception):
    """More bytes than the model could need."""


def _expanded(data: bytes, limit: int) -> bytes:
    """Return `data` decompressed, or unchanged if it is not compressed."""
    expand = next((expand for magic, expand in COMPRESSED.items() if data.startswith(magic)), None)
    if expand is None or _is_safetensors(data):
        return data
    plain = expand(data, limit + 1)
    if len(plain) > limit:
        raise _TooLargeError
    return plain


def _load(data: bytes, limit: int) -> Mapping[str, Any]:
    """Return what a file of safetensors or torch holds by name, at most `limit` bytes of it. Nothing in the file is run."""
    if _is_safetensors(data):
        return load_safetensors(data)
    if not data.startswith(TORCH):
        raise ValueError("neither safetensors nor a file of torch")
    if data.startswith(TORCH[0]):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > limit:
                raise _TooLargeError
    with warnings.catch_warnings(action="ignore"):  # of pickles that are refused a moment later
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise ValueError("not tensors by name")
    tensors = [value for part in (found, *found.values()) if isinstance(part, Mapping) for value in part.values()]
    if sum(tensor.numel() for tensor in tensors if isinstance(tensor, Tensor)) > limit:  # views of little can be large
        raise _TooLargeError
    return found


def _is_safetensors(data: bytes) -> bool:
    """Return whether a file is a length and JSON. Asked first, as the length may begin like any other format."""
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") <= len(data) - 8
