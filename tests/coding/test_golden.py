"""Files of version 1 that are kept: they are written so for ever, and decode by a second decoder as by the first.

`support.golden_codes` says how they were made.
"""

from pathlib import Path

import pytest

from bytegolf.coding.compressor import Compressor
from bytegolf.names import ProvableName
from support.exact_models import as_lists
from support.golden_artifacts import GOLDEN
from support.golden_codes import BLOCKS, LAYOUT, PROOFS, TEXT, blocks, packed, proof
from support.plain_bgc import PlainArtifact, decode


@pytest.fixture(scope="module")
def artifact() -> PlainArtifact:
    found = packed().artifact
    return PlainArtifact(found.config, found.score.window, found.experts, as_lists(found.decoded()), GOLDEN["grid"].file.read_bytes())


def test_they_are_small() -> None:
    assert all(file.stat().st_size <= 1000 for file in (*PROOFS.values(), BLOCKS))


@pytest.mark.parametrize("protocol", PROOFS)
def test_proofs_are_still_written_so(protocol: ProvableName) -> None:
    assert proof(protocol) == PROOFS[protocol].read_bytes()


def test_blocks_are_still_written_so() -> None:
    assert blocks() == BLOCKS.read_bytes()


@pytest.mark.parametrize("protocol", PROOFS)
def test_proofs_decode(protocol: ProvableName, tmp_path: Path) -> None:
    Compressor(packed()).decompress(PROOFS[protocol], tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == TEXT


def test_blocks_decode(tmp_path: Path) -> None:
    Compressor(packed(), LAYOUT).decompress(BLOCKS, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == TEXT[:30] + bytes(30)


@pytest.mark.parametrize("protocol", ["standard", "sliding"])
def test_a_second_decoder_finds_the_same_text(protocol: ProvableName, artifact: PlainArtifact) -> None:
    tokenizer = packed().artifact.tokenizer
    assert decode(PROOFS[protocol].read_bytes(), artifact, lambda tokens: tokenizer.decode(tokens)) == TEXT


def test_a_second_decoder_finds_the_same_blocks(artifact: PlainArtifact) -> None:
    tokenizer = packed().artifact.tokenizer
    assert decode(BLOCKS.read_bytes(), artifact, lambda tokens: tokenizer.decode(tokens)) == TEXT[:30] + bytes(30)
