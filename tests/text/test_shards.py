"""Shards give back what was written, and nothing that is not exactly a shard is read."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bytegolf.errors import InputError
from bytegolf.text.shards import HEADER_BYTES, Shard, ShardWriter, TokenStream

chunks = st.lists(arrays(np.uint16, st.integers(0, 40)), min_size=1, max_size=6)


def write(folder: Path, parts: list[np.ndarray], max_tokens: int = 100_000_000) -> list[Path]:
    for path in folder.glob("*.bin"):
        path.unlink()
    with ShardWriter(folder, "train", max_tokens) as writer:
        for part in parts:
            writer.write(part)
    assert writer.tokens == sum(map(len, parts))
    return sorted(folder.glob("*.bin"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shards")


@given(parts=chunks, max_tokens=st.integers(1, 50), data=st.data())
@settings(max_examples=60)
def test_shards_are_one_array(folder: Path, parts: list[np.ndarray], max_tokens: int, data: st.DataObject) -> None:
    whole = np.concatenate(parts)
    paths = write(folder, parts, max_tokens)
    assert [path.name for path in paths] == [f"train_{i:06d}.bin" for i in range(-(-len(whole) // max_tokens))]
    assert all(len(Shard(path)) == max_tokens for path in paths[:-1])
    stream = TokenStream(paths)
    assert len(stream) == len(whole)
    for start, stop in [(None, None), *data.draw(st.lists(st.tuples(st.integers(-60, 260), st.integers(-60, 260)), max_size=5))]:
        np.testing.assert_array_equal(stream[start:stop], whole[start:stop])
        assert stream[start:stop].dtype == np.uint16
        assert type(stream[start:stop]) is np.ndarray


@given(parts=chunks, later=chunks, max_tokens=st.integers(3, 50))
@settings(max_examples=30)
def test_a_writer_goes_on_where_another_was_killed(folder: Path, parts: list[np.ndarray], later: list[np.ndarray], max_tokens: int) -> None:
    """What the first one wrote after the tokens that it synced is cut off."""
    whole = [path.read_bytes() for path in write(folder, [*parts, *later], max_tokens)]
    for path in folder.glob("*.bin"):
        path.unlink()
    killed = ShardWriter(folder, "train", max_tokens)
    for part in parts:
        killed.write(part)
    killed.sync()
    for part in [*later, *later]:
        killed.write(part + np.uint16(1))
    killed.sync()
    with ShardWriter(folder, "train", max_tokens, tokens=sum(map(len, parts))) as writer:
        for part in later:
            writer.write(part)
    assert [path.read_bytes() for path in sorted(folder.glob("*.bin"))] == whole


def test_a_writer_needs_what_it_goes_on_from(folder: Path) -> None:
    write(folder, [np.arange(20)], max_tokens=8)
    os.truncate(folder / "train_000001.bin", HEADER_BYTES + 14)
    with pytest.raises(InputError, match=r"train_000001\.bin: expected 1040 bytes as they were written, found 1038"):
        ShardWriter(folder, "train", 8, tokens=20)


def test_the_format(folder: Path) -> None:
    (path,) = write(folder, [np.array([1, 513])])
    data = path.read_bytes()
    assert data[:12] == (20240520).to_bytes(4, "little") + (1).to_bytes(4, "little") + (2).to_bytes(4, "little")
    assert data[12:1024] == bytes(1012)
    assert data[1024:] == b"\x01\x00\x01\x02"


@given(bit=st.integers(0, HEADER_BYTES * 8 - 1))
def test_any_bit_flip_of_the_header(folder: Path, bit: int) -> None:
    (path,) = write(folder, [np.arange(20)])
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(data)
    with pytest.raises(InputError, match=rf"{path.name}: expected .*, found"):
        Shard(path)


@given(size=st.integers(0, HEADER_BYTES + 60).filter(lambda size: size != HEADER_BYTES + 40))
def test_any_other_length(folder: Path, size: int) -> None:
    (path,) = write(folder, [np.arange(20)])
    path.write_bytes((path.read_bytes() + bytes(20))[:size])
    with pytest.raises(InputError, match=rf"{path.name}: expected .* bytes.*, found {size}$"):
        Shard(path)


def test_a_missing_shard(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.bin: expected a shard, found No such file"):
        Shard(tmp_path / "none.bin")


def test_an_empty_shard(tmp_path: Path) -> None:
    header = np.zeros(256, "<i4")
    header[:2] = 20240520, 1
    (tmp_path / "empty.bin").write_bytes(header.tobytes())
    assert len(TokenStream([tmp_path / "empty.bin"])) == 0


def test_steps_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="step"):
        TokenStream(write(folder, [np.arange(20)]))[::2]


def test_a_shard_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "train") as writer:
        writer.write(range(100))
    (path,) = tmp_path.iterdir()
    stream = TokenStream([path])
    os.truncate(path, HEADER_BYTES + 20)
    assert stream[:10].tolist() == list(range(10))
    with pytest.raises(InputError, match="the file was cut since"):
        stream[5:15]


def test_a_shard_that_goes_while_it_is_used(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "train") as writer:
        writer.write(range(100))
    (path,) = tmp_path.iterdir()
    stream = TokenStream([path])
    path.unlink()
    with pytest.raises(InputError, match=r"train_000000\.bin: expected a shard, found No such file"):
        stream[5:15]


@pytest.mark.parametrize(("shards", "limit"), [(30, 24), (1030, 1024)])
def test_more_shards_than_files_may_be_open(tmp_path: Path, shards: int, limit: int) -> None:
    """In a process of its own, as the limit is the process's: every token is read, in order and at random."""
    with ShardWriter(tmp_path, "train", max_tokens=7) as writer:
        writer.write(np.arange(shards * 7))
    code = (
        "import resource, sys, numpy as np; from pathlib import Path; from bytegolf.text.shards import TokenStream\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n"
        f"stream = TokenStream(sorted(Path(sys.argv[1]).glob('*.bin'))); whole = np.arange({shards} * 7, dtype=np.uint16)\n"
        "assert (stream[:] == whole).all()\n"
        "for start in np.random.default_rng(0).integers(len(whole), size=3000):\n"
        "    assert (stream[start : start + 9] == whole[start : start + 9]).all()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
