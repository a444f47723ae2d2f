"""Python files in an archive that a script carries, taken out without running anything."""

import io
import json
import zipfile
import zlib

from bytegolf.contest.decoders import MAX_DECODED_BYTES

MAX_MEMBERS = 400
Members = dict[str, str]  # text by path


def members_of(value: object) -> Members:
    """Return the Python files in an archive: a zip, a mapping in JSON, or paths and texts in turn between zero bytes.

    There are none in anything else.
    """
    if isinstance(value, bytes | bytearray):
        data = bytes(value)
        if data[:2] == b"PK" or data[-22:-18] == b"PK\x05\x06":
            return _of_zip(data)
        try:
            value = data.decode("utf-8")
        except UnicodeDecodeError:
            return {}
    if not isinstance(value, str):
        return {}
    return _of_pairs(value) or _of_json(value)


def _of_zip(data: bytes) -> Members:
    """Return the Python files of a zip, as far as they are small enough together."""
    found: Members = {}
    left = MAX_DECODED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for item in archive.infolist()[:MAX_MEMBERS]:
                if not item.filename.endswith(".py") or item.flag_bits & 1:
                    continue
                with archive.open(item) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    break
                found[item.filename] = content.decode("utf-8", errors="replace")
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError):
        return found
    return found


def _of_pairs(text: str) -> Members:
    parts = text.split("\0")
    pairs = dict(zip(parts[::2], parts[1::2], strict=False))
    return pairs if len(parts) % 2 == 0 and len(pairs) <= MAX_MEMBERS and all(_is_path(name) for name in pairs) else {}


def _of_json(text: str) -> Members:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    files = isinstance(value, dict) and len(value) <= MAX_MEMBERS and all(_is_path(name) for name in value)
    return {name: content for name, content in value.items() if isinstance(content, str)} if files else {}


def _is_path(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".py") and len(name) < 300
