"""Decoders for what scripts are packed with, each with a bound on what may come out."""

import base64
import binascii
import bz2
import lzma
import zlib
from collections.abc import Callable

import zstandard

MAX_DECODED_BYTES = 8_000_000
MAX_MEMORY_BYTES = 256 << 20


class UndecodableError(Exception):
    """Bytes that are not what they should be, or that unpack to more than `MAX_DECODED_BYTES`."""


def _bounded(data: bytes, finished: bool) -> bytes:
    if len(data) > MAX_DECODED_BYTES or not finished:
        raise UndecodableError(f"unpacks to more than {MAX_DECODED_BYTES:,} bytes, or is cut off")
    return data


def unlzma(data: bytes, **options: object) -> bytes:
    """Decode LZMA in any of its formats, with the options of `lzma.decompress`."""
    layout, filters = options.get("format", lzma.FORMAT_AUTO), options.get("filters")
    if layout == lzma.FORMAT_RAW:
        if not isinstance(filters, list) or any(item.get("dict_size", 0) > MAX_MEMORY_BYTES for item in filters):
            raise UndecodableError("asks for a dictionary that is too large")
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    else:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=MAX_MEMORY_BYTES)
    decoded = decoder.decompress(data, MAX_DECODED_BYTES + 1)
    return _bounded(decoded, decoder.eof or layout == lzma.FORMAT_RAW)


def unzlib(data: bytes, wbits: int = zlib.MAX_WBITS, **_: object) -> bytes:
    """Decode zlib, gzip or raw deflate."""
    decoder = zlib.decompressobj(wbits)
    decoded = decoder.decompress(data, MAX_DECODED_BYTES + 1)
    return _bounded(decoded, decoder.eof)


def ungzip(data: bytes) -> bytes:
    """Decode a gzip file."""
    return unzlib(data, 16 + zlib.MAX_WBITS)


def unbz2(data: bytes) -> bytes:
    """Decode bzip2."""
    decoder = bz2.BZ2Decompressor()
    return _bounded(decoder.decompress(data, MAX_DECODED_BYTES + 1), decoder.eof)


def unbrotli(data: bytes) -> bytes:
    """Decode Brotli."""
    import brotli  # which not every installation can have, and no other verb needs

    decoder = brotli.Decompressor()
    try:
        decoded = decoder.process(data, output_buffer_limit=MAX_DECODED_BYTES + 1)
    except brotli.error as error:
        raise UndecodableError(str(error)) from None
    return _bounded(decoded, decoder.is_finished())


def unzstd(data: bytes, **_: object) -> bytes:
    """Decode Zstandard."""
    decoder = zstandard.ZstdDecompressor(max_window_size=MAX_MEMORY_BYTES)
    with decoder.stream_reader(data) as reader:
        return _bounded(reader.read(MAX_DECODED_BYTES + 1), True)


def unppmd(data: bytes, max_order: int = 6, mem_size: int = 16 << 20, **_: object) -> bytes:
    """Decode PPMd, variant I."""
    import pyppmd  # as above

    if not 2 <= max_order <= 64 or not 2048 <= mem_size <= MAX_MEMORY_BYTES:
        raise UndecodableError("asks for a model that is too large")
    return _bounded(pyppmd.Ppmd8Decoder(max_order, mem_size).decode(data, MAX_DECODED_BYTES + 1), True)


_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85_TO_B85 = bytes.maketrans(_Z85, _B85)

DECODERS: dict[str, Callable[..., object]] = {
    "lzma.decompress": unlzma,
    "zlib.decompress": unzlib,
    "gzip.decompress": ungzip,
    "bz2.decompress": unbz2,
    "brotli.decompress": unbrotli,
    "zstandard.decompress": unzstd,
    "zstd.decompress": unzstd,
    "pyzstd.decompress": unzstd,
    "compression.zstd.decompress": unzstd,
    "compression.lzma.decompress": unlzma,
    "compression.zlib.decompress": unzlib,
    "compression.bz2.decompress": unbz2,
    "pyppmd.decompress": unppmd,
    "base64.b64decode": base64.b64decode,
    "base64.standard_b64decode": base64.standard_b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.decodebytes": base64.decodebytes,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.b85decode": base64.b85decode,
    "base64.a85decode": base64.a85decode,
    "base64.z85decode": lambda data: base64.b85decode(bytes(data).translate(_Z85_TO_B85)),
    "binascii.a2b_base64": binascii.a2b_base64,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.a2b_hex,
}
DECODING_ERRORS = (
    UndecodableError,
    ValueError,
    TypeError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    OSError,
    zstandard.ZstdError,
)
