"""The figures to compare with are those of the tools themselves."""

import inspect
import lzma
import shutil
import string

import brotli
import pyppmd
import pytest
import zstandard

from bytegolf.scoring.compressors import COMPRESSORS, compressor_scores

TEXT = inspect.getsource(shutil).encode()[:20_000]
OTHER = inspect.getsource(string).encode()


def direct_sizes(text: bytes) -> dict[str, int]:
    return {
        "brotli -11": len(brotli.compress(text, quality=11, lgwin=24)),
        "xz -9e": len(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)),
        "zstd -22": len(zstandard.ZstdCompressor(level=22).compress(text)),
        "PPMd o16": len(pyppmd.compress(text, max_order=16, mem_size=256 << 20)),
    }


def test_every_compressor_alone_and_primed() -> None:
    scores = {score.name: score for score in compressor_scores(TEXT, OTHER)}
    expected = direct_sizes(TEXT)
    assert list(scores) == list(COMPRESSORS) == list(expected)
    for name, score in scores.items():
        assert score.alone == pytest.approx(8 * expected[name] / len(TEXT), rel=0.005), name  # zstd's window costs a byte or two
        assert 0 < score.primed < score.alone < 8, name


@pytest.mark.parametrize("name", COMPRESSORS)
def test_text_that_was_seen_before_costs_almost_nothing(name: str) -> None:
    alone, primed = COMPRESSORS[name](TEXT, b""), COMPRESSORS[name](TEXT, OTHER + TEXT)
    assert primed < 0.1 * alone


@pytest.mark.parametrize("name", COMPRESSORS)
def test_text_of_another_kind_helps_little(name: str) -> None:
    noise = bytes(i * i * 7919 >> 5 & 255 for i in range(5000))
    alone, primed = COMPRESSORS[name](TEXT, b""), COMPRESSORS[name](TEXT, noise)
    assert primed > 0.9 * alone
