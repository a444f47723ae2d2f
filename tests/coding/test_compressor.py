"""Whole files: what comes back, what is refused, and what is never left behind."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bytegolf.coding.bgc_file import MAGIC
from bytegolf.coding.block_coder import CODED, Block, BlockCoder, Layout
from bytegolf.coding.compressor import Compressor
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.errors import InputError
from bytegolf.text.tokenizer import Tokenizer
from support.proofs import SENTENCES, artifact_file, foreign, own, without_bytes

TEXT = "\n".join(SENTENCES[:15]).encode()
CONTENTS = {
    "empty": b"",
    "one byte": b"a",
    "one byte that is no UTF-8": b"\xff",
    "NUL": b"\0" * 100,
    "text": TEXT,
    "random": np.random.default_rng(0).bytes(1000),
    "text and random": TEXT[:400] + np.random.default_rng(0).bytes(30) + TEXT[:400],
}


SMALL = Layout(block_bytes=700, lane_tokens=40)
TINY = Layout(block_bytes=60)  # so short that zstd finds no repetition and even a random model codes better


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedModel:
    return PackedModel(artifact_file(tmp_path_factory.mktemp("artifact")))


@pytest.fixture(scope="module")
def compressor(packed: PackedModel) -> Compressor:
    return Compressor(packed)


def compressed(compressor: Compressor, folder: Path, data: bytes) -> Path:
    (folder / "in").write_bytes(data)
    compressor.compress(folder / "in", folder / "coded")
    return folder / "coded"


@pytest.mark.parametrize("layout", [Layout(), SMALL], ids=["one block", "several blocks"])
@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_comes_back(packed: PackedModel, tmp_path: Path, name: str, layout: Layout) -> None:
    compressor = Compressor(packed, layout)
    coded = compressed(compressor, tmp_path, CONTENTS[name])
    result = compressor.decompress(coded, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENTS[name]
    assert (result.bytes_in, result.bytes_out) == (coded.stat().st_size, len(CONTENTS[name]))


@pytest.mark.parametrize("tokenizer", [foreign(), without_bytes()], ids=["foreign", "without bytes"])
def test_a_file_comes_back_by_other_tokenizers(tmp_path: Path, tokenizer: Tokenizer) -> None:
    compressor = Compressor(PackedModel(artifact_file(tmp_path, tokenizer)), SMALL)
    for name, data in CONTENTS.items():
        compressor.decompress(compressed(compressor, tmp_path, data), tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == data, name


def test_what_is_no_text_is_stored(compressor: Compressor, tmp_path: Path) -> None:
    assert compressed(compressor, tmp_path, CONTENTS["random"]).stat().st_size < 1000 + 120


def test_a_model_that_knows_the_text_makes_it_small(tmp_path: Path, compressor: Compressor) -> None:
    """A random model cannot: the file is no larger than what zstd makes of it."""
    import zstandard

    assert compressed(compressor, tmp_path, TEXT).stat().st_size <= len(zstandard.compress(TEXT, 19)) + 120


def test_damage_is_named_and_leaves_nothing(packed: PackedModel, tmp_path: Path) -> None:
    compressor = Compressor(packed, TINY)
    assert {compressor.blocks.encode(data, lambda _: None).kind for data in (TEXT[:60], TEXT[60:120])} == {CODED}
    sound = compressed(compressor, tmp_path, TEXT[:120]).read_bytes()
    rng = np.random.default_rng(0)
    damaged = [sound[:cut] for cut in range(0, len(sound), 29)] + [sound + b"x"]
    for place in rng.choice(len(sound), 40, replace=False):
        changed = bytearray(sound)
        changed[place] ^= 1 << rng.integers(8)
        damaged.append(bytes(changed))
    for data in damaged:
        (tmp_path / "damaged").write_bytes(data)
        with pytest.raises(InputError, match="damaged: expected"):
            compressor.decompress(tmp_path / "damaged", tmp_path / "out")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["coded", "damaged", "in"]


def test_another_artifact_is_refused(compressor: Compressor, tmp_path: Path) -> None:
    coded = compressed(compressor, tmp_path, TEXT[:200])
    other = Compressor(PackedModel(artifact_file(tmp_path, foreign())))
    with pytest.raises(InputError, match="coded: expected the artifact it was made with"):
        other.decompress(coded, tmp_path / "out")


def test_nothing_of_the_machine_enters_a_file(packed: PackedModel, tmp_path: Path) -> None:
    """One process on one thread writes, another on two reads."""
    code = f"""
import sys
import bytegolf as bg
from pathlib import Path
bg.{{verb}}(Path({str(packed.path)!r}), Path({{source!r}}), Path({{out!r}}))
assert "torch" not in sys.modules, "what decodes needs no torch"
"""
    (tmp_path / "in").write_bytes(TEXT)
    for threads, verb, source, out in (("1", "compress", "in", "coded"), ("2", "decompress", "coded", "out")):
        command = code.format(verb=verb, source=str(tmp_path / source), out=str(tmp_path / out))
        variables = {"OPENBLAS_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        subprocess.run([sys.executable, "-c", command], env=os.environ | variables, check=True)
    assert (tmp_path / "out").read_bytes() == TEXT


def test_an_interruption_leaves_nothing(compressor: Compressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_bytes(TEXT)
    (tmp_path / "coded").write_bytes(b"what was there")
    steps = iter(range(20))

    def interrupted(self: LanePredictor, tokens: object) -> None:
        if next(steps, None) is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(LanePredictor, "observe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compressor.compress(tmp_path / "in", tmp_path / "coded")
    assert (tmp_path / "coded").read_bytes() == b"what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coded", "in"]


def test_what_nobody_compressed_is_refused(compressor: Compressor, tmp_path: Path) -> None:
    for data in (b"", b"BGC", MAGIC, os.urandom(100), MAGIC + os.urandom(100)):
        (tmp_path / "wrong").write_bytes(data)
        with pytest.raises(InputError, match=r"wrong: expected (a file that bytegolf compressed|the artifact)"):
            compressor.decompress(tmp_path / "wrong", tmp_path / "out")


class Watched(BlockCoder):
    """Notes the size of every block that it decodes."""

    def __init__(self, packed: PackedModel, layout: Layout) -> None:
        super().__init__(packed, layout)
        self.sizes: list[int] = []

    def decode(self, block: Block, advance: object) -> bytes:
        self.sizes.append(block.size)
        return super().decode(block, lambda _: None)


def test_memory_does_not_grow_with_the_file(packed: PackedModel, tmp_path: Path) -> None:
    """Whatever is read is read in blocks, and no block is larger than the first."""
    layout = Layout(block_bytes=64)
    compressor = Compressor(packed, layout)
    compressor.blocks = watched = Watched(packed, layout)
    compressor.decompress(compressed(compressor, tmp_path, TEXT[:640]), tmp_path / "out")
    assert len(watched.sizes) == 10 and max(watched.sizes) == 64


def test_one_artifact_and_layout_give_one_file(packed: PackedModel, tmp_path: Path) -> None:
    first = compressed(Compressor(packed), tmp_path, TEXT).read_bytes()
    assert compressed(Compressor(PackedModel(packed.path)), tmp_path, TEXT).read_bytes() == first
    assert packed.artifact.tokenizer.sha256 == own().sha256
