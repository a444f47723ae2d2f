"""Packed scripts are decoded without being run."""

import base64
import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard

from bytegolf.contest.decoders import MAX_DECODED_BYTES
from support.contest_scripts import expected, found, reviewed, script

CODE = script(
    "\ndef choose(nll_a, nll_b):\n    return torch.minimum(nll_a, nll_b)  # flags: oracle-gate\n",
    after="choose(1, 2)",
)
RAW = [{"id": lzma.FILTER_LZMA2}]
PACKED: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "lzma": ("import lzma, base64\nexec(lzma.decompress(base64.b85decode({})))", lambda code: base64.b85encode(lzma.compress(code))),
    "raw lzma": (
        "import lzma as L,base64 as B\nexec(L.decompress(B.b85decode({}),format=L.FORMAT_RAW,filters=[{{'id':L.FILTER_LZMA2}}]))",
        lambda code: base64.b85encode(lzma.compress(code, format=lzma.FORMAT_RAW, filters=RAW)),
    ),
    "zlib in parts": (
        "from zlib import decompress as d\nfrom base64 import b64decode as b\nparts = [{}, '']\ns = ''.join(parts)\n"
        "exec(compile(d(b(s)).decode(), 'x', 'exec'))",
        lambda code: base64.b64encode(zlib.compress(code)).decode(),
    ),
    "gzip, hex": ("import gzip\nrun = exec\nrun(gzip.decompress(bytes.fromhex({})))", lambda code: gzip.compress(code).hex()),
    "bz2, ascii85": ("import bz2,base64\nexec(bz2.decompress(base64.a85decode({})))", lambda code: base64.a85encode(bz2.compress(code))),
    "brotli, base32": (
        "import brotli,base64\nexec(brotli.decompress(base64.b32decode({})))",
        lambda code: base64.b32encode(brotli.compress(code)),
    ),
    "zstd": (
        "import zstandard,base64\nexec(zstandard.ZstdDecompressor().decompress(base64.b64decode({})))",
        lambda code: base64.b64encode(zstandard.compress(code)),
    ),
    "dynamic import": (
        "getattr(__import__('builtins'), 'exec')(__import__('zlib').decompress({}))",
        zlib.compress,
    ),
    "in a function": (
        "import zlib\ndef install(name, source):\n    exec(compile(source, name, 'exec'))\ninstall('m', zlib.decompress({}))",
        zlib.compress,
    ),
}


@pytest.mark.parametrize("name", PACKED)
def test_layers_are_decoded(tmp_path: Path, name: str) -> None:
    wrapper, pack = PACKED[name]
    review = reviewed(tmp_path, wrapper.format(repr(pack(CODE.encode()))))
    assert found(review) == expected(CODE) and review.flagged[0].file == "train_gpt.py, layer 1"
    assert review.decoded_bytes == len(CODE.encode()) and review.code_bytes == (tmp_path / "train_gpt.py").stat().st_size


def test_nested_layers(tmp_path: Path) -> None:
    text = CODE
    for _ in range(3):
        text = f"import zlib\nexec(zlib.decompress({zlib.compress(text.encode())!r}))"
    assert found(reviewed(tmp_path, text)) == expected(CODE)


def test_endless_layers_are_opaque(tmp_path: Path) -> None:
    text = CODE
    for _ in range(12):
        text = f"import zlib\nexec(zlib.decompress({zlib.compress(text.encode())!r}))"
    assert [item.rule for item in reviewed(tmp_path, text).flagged] == ["opaque"]


def test_a_file_beside_the_script_is_read(tmp_path: Path) -> None:
    (tmp_path / "inner.bin").write_bytes(zlib.compress(CODE.encode()))
    review = reviewed(tmp_path, "import zlib\nexec(zlib.decompress(open('inner.bin', 'rb').read()))")
    assert found(review) == expected(CODE) and review.helper_bytes == (tmp_path / "inner.bin").stat().st_size


@pytest.mark.parametrize(
    "pack", [lambda data: f"zlib.decompress({zlib.compress(data)!r})", lambda data: f"lzma.decompress({lzma.compress(data)!r})"]
)
def test_bombs_are_opaque(tmp_path: Path, pack: Callable[[bytes], str]) -> None:
    review = reviewed(tmp_path, f"import zlib, lzma\nexec({pack(bytes(MAX_DECODED_BYTES * 20))})")
    assert [(item.rule, item.line) for item in review.flagged] == [("opaque", 2)]
    assert "more than 8,000,000 bytes" in review.flagged[0].why


@pytest.mark.parametrize(
    "text", ["exec('1' * 10**10)", "exec(b'x' * 9 ** 99)", "x = y\ny = x\nexec(x)", "exec(open('/etc/passwd').read())"]
)
def test_tricks_are_opaque(tmp_path: Path, text: str) -> None:
    assert [item.rule for item in reviewed(tmp_path, text).flagged] == ["opaque"]
