"""Whole files: what comes back, what is refused, and what is never left behind."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bytegolf.cli import app as cli
from bytegolf.coding import compressor as files
from bytegolf.coding.bgc_file import MAGIC
from bytegolf.coding.compressor import Compressor
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.errors import InputError
from support.proofs import SENTENCES, artifact_file, foreign, without_bytes

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


@pytest.fixture(scope="module")
def compressor(tmp_path_factory: pytest.TempPathFactory) -> Compressor:
    return Compressor.of(artifact_file(tmp_path_factory.mktemp("artifact")))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 700)
    monkeypatch.setattr(files, "LANE_TOKENS", 40)


def there(compressor: Compressor, folder: Path, data: bytes) -> Path:
    (folder / "in").write_bytes(data)
    compressor.compress(folder / "in", folder / "coded")
    return folder / "coded"


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_comes_back(compressor: Compressor, tmp_path: Path, name: str) -> None:
    coded = there(compressor, tmp_path, CONTENTS[name])
    result = compressor.decompress(coded, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENTS[name]
    assert (result.bytes_in, result.bytes_out) == (coded.stat().st_size, len(CONTENTS[name]))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("tokenizer", [foreign, without_bytes])
def test_a_file_comes_back_by_other_tokenizers(tmp_path: Path, tokenizer) -> None:  # type: ignore[no-untyped-def]
    compressor = Compressor.of(artifact_file(tmp_path, tokenizer()))
    for name, data in CONTENTS.items():
        compressor.decompress(there(compressor, tmp_path, data), tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == data, name


def test_what_is_no_text_is_stored(compressor: Compressor, tmp_path: Path) -> None:
    assert there(compressor, tmp_path, CONTENTS["random"]).stat().st_size < 1000 + 120


def test_a_model_that_knows_the_text_makes_it_small(tmp_path: Path, compressor: Compressor) -> None:
    """A random model cannot: the file is no larger than what zstd makes of it."""
    import zstandard

    assert there(compressor, tmp_path, TEXT).stat().st_size <= len(zstandard.compress(TEXT, 19)) + 120


def test_damage_is_named_and_leaves_nothing(compressor: Compressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BLOCK_BYTES", 60)
    monkeypatch.setattr(files, "_smaller", lambda coded, stored: coded)
    sound = there(compressor, tmp_path, TEXT[:120]).read_bytes()
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
    coded = there(compressor, tmp_path, TEXT[:200])
    other = Compressor.of(artifact_file(tmp_path, foreign()))
    with pytest.raises(InputError, match="coded: expected the artifact it was made with"):
        other.decompress(coded, tmp_path / "out")


def test_another_number_of_threads_is_refused(compressor: Compressor, tmp_path: Path) -> None:
    coded = there(compressor, tmp_path, TEXT[:200])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        with pytest.raises(InputError, match=f"threads {threads}, found threads {threads + 1}; set OMP_NUM_THREADS={threads}"):
            compressor.decompress(coded, tmp_path / "out")
    finally:
        torch.set_num_threads(threads)


def test_another_version_of_torch_is_refused(compressor: Compressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    coded = there(compressor, tmp_path, TEXT[:200])
    monkeypatch.setattr(torch, "__version__", "9.9")
    with pytest.raises(InputError, match=r"with torch .*, found torch 9\.9"):
        compressor.decompress(coded, tmp_path / "out")


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


def test_what_does_not_decode_is_not_written(compressor: Compressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose numbers change from one time to the next."""
    monkeypatch.setattr(files, "_smaller", lambda coded, stored: coded)
    honest, calls = LanePredictor.predict, iter(range(10**6))

    def drifting(self: LanePredictor):  # type: ignore[no-untyped-def]
        return honest(self) * (1 + 1e-3 * np.sin(next(calls) + np.arange(self.vocab_size)))

    monkeypatch.setattr(LanePredictor, "predict", drifting)
    (tmp_path / "in").write_bytes(TEXT)
    with pytest.raises(InputError, match="in: expected to decode what was just coded"):
        compressor.compress(tmp_path / "in", tmp_path / "coded")
    assert not (tmp_path / "coded").exists()


def test_what_is_no_file_of_ours_is_refused(compressor: Compressor, tmp_path: Path) -> None:
    for data in (b"", b"BGC", MAGIC, os.urandom(100), MAGIC + os.urandom(100)):
        (tmp_path / "wrong").write_bytes(data)
        with pytest.raises(InputError, match="wrong: expected a file that bytegolf compressed"):
            compressor.decompress(tmp_path / "wrong", tmp_path / "out")


def test_memory_does_not_grow_with_the_file(compressor: Compressor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read is read in blocks, and no block is larger than the first."""
    seen: list[int] = []
    monkeypatch.setattr(files, "BLOCK_BYTES", 64)
    honest = files.Compressor._expanded
    monkeypatch.setattr(
        files.Compressor, "_expanded", lambda self, block, size, advance: (seen.append(size), honest(self, block, size, advance))[1]
    )
    compressor.decompress(there(compressor, tmp_path, TEXT[:640]), tmp_path / "out")
    assert len(seen) == 2 * 10 and max(seen) == 64


def test_the_verbs_bring_a_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    artifact_file(tmp_path)
    (tmp_path / "in").write_bytes(TEXT[:200])
    monkeypatch.chdir(tmp_path)

    def status(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["bytegolf", *arguments, "--json"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0)

    assert status("compress", "model.bgz", "in", "coded") == 0
    assert json.loads(capsys.readouterr().out)["bytes_in"] == 200
    assert status("decompress", "model.bgz", "coded", "out") == 0
    assert (tmp_path / "out").read_bytes() == TEXT[:200]
    assert status("decompress", "model.bgz", "in", "other") == 2 and not (tmp_path / "other").exists()
    assert status("compress", "in", "in", "other") == 2
    assert status("compress", "model.bgz", "nothing", "other") == 2
