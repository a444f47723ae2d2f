"""The same shards by any number of workers, and after any interruption."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bytegolf.arrays import Tokens
from bytegolf.config import TextConfig
from bytegolf.errors import InputError, ParameterError
from bytegolf.runtime.workers import InOrder, workers
from bytegolf.storage import unfinished
from bytegolf.storage.files import publish_folder
from bytegolf.storage.unfinished import UnfinishedFolder
from bytegolf.text import encoded_data as module
from bytegolf.text import encoding
from bytegolf.text.corpus import open_corpus
from bytegolf.text.encoded_data import DataSettings, DividedCorpus, EncodedSoFar, encode_corpus
from bytegolf.text.encoding import Encoding
from bytegolf.text.prepare import prepare_text
from bytegolf.text.split import SplitRule, decide_split
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer
from support.corpora import SOURCE, write_jsonl, write_texts
from support.ray_clusters import ray_cluster
from support.runs import environment

TEXTS = [f"{i} " + SOURCE[i * 300 :][:300] for i in range(60)]
BYTES = TextConfig(tokenizer="bytes")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of at most seven documents, shards of 2,000 tokens, and a record after each batch."""
    monkeypatch.setattr(encoding, "BATCH_DOCUMENTS", 7)
    monkeypatch.setattr(module, "MAX_SHARD_TOKENS", 2000)
    monkeypatch.setattr(module, "KEEP_SECONDS", 0.0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "source", TEXTS)


@pytest.fixture(scope="module", params=[2, pytest.param(3, marks=pytest.mark.slow)])
def some_workers(request: pytest.FixtureRequest) -> Iterator[InOrder]:
    with workers(request.param) as in_order:
        yield in_order


def encode(source: Path, out: Path, tokenizer: Tokenizer, in_order: InOrder, val_docs: int) -> tuple[dict[str, bytes], EncodedSoFar]:
    """Encode a corpus, and return the files and the counts."""
    corpus, unfinished = open_corpus([str(source)]), UnfinishedFolder(out)
    split = decide_split(corpus, SplitRule(val_docs))
    done = EncodedSoFar(DataSettings("split", "vocabulary", "text"), split.corpus_sha256, tokenizer.sha256, tokenizer.file_name)
    with unfinished.filling():
        encoding = Encoding(tokenizer.kind, tokenizer.serialised, False)
        encode_corpus(DividedCorpus(corpus, split, encoding), done, unfinished, in_order)
    return contents(out), done


@given(
    texts=st.lists(st.text(max_size=30).map(lambda text: text.encode(errors="ignore").decode()), min_size=2, max_size=40),
    val_docs=st.integers(1, 40),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_workers_gives_the_same_bytes(
    bpe: BpeTokenizer, small: None, some_workers: InOrder, texts: list[str], val_docs: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        path = write_jsonl(Path(root) / "a.jsonl", [f"{index}{text}" for index, text in enumerate(texts)])
        held_out = min(val_docs, len(texts) - 1)
        assert encode(path, Path(root) / "one", bpe, map, held_out) == encode(path, Path(root) / "several", bpe, some_workers, held_out)


@pytest.mark.parametrize("num_workers", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_a_whole_folder_by_several_workers(source: Path, tmp_path: Path, small: None, num_workers: int) -> None:
    one = prepare_text([str(source)], tmp_path / "one", vocab_size=400)
    assert one == prepare_text([str(source)], tmp_path / "several", vocab_size=400, num_workers=num_workers)
    assert contents(tmp_path / "one") == contents(tmp_path / "several")
    assert {"train_000002.bin", "val.txt.zst", "manifest.json"} < set(contents(tmp_path / "one"))


def test_an_error_in_a_worker_names_the_document(tmp_path: Path, normalising: bytes, small: None) -> None:
    (tmp_path / "other.model").write_bytes(normalising)
    path = write_jsonl(tmp_path / "a.jsonl", [f"plain {index}" for index in range(30)] + ["two  spaces"])
    with pytest.raises(InputError, match=r"a\.jsonl:31: expected tokenizer bpe 512 to give the text back unchanged"):
        prepare_text([str(path)], tmp_path / "data", tokenizer=tmp_path / "other.model", val_docs=1, num_workers=2)


@pytest.mark.slow
def test_on_a_ray_cluster(source: Path, tmp_path: Path) -> None:
    """The command line sends documents to a cluster that has neither the package nor the source, and gets the same bytes."""
    prepare_text([str(source)], tmp_path / "here", text=BYTES)
    command = [sys.executable, "-m", "bytegolf", "prepare", str(source), "--tokenizer", "bytes", "--out", str(tmp_path / "there")]
    with ray_cluster() as variables:
        subprocess.run([*command, "--on", "ray"], env={**environment(), **variables}, check=True, capture_output=True, timeout=120)
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


# --- interrupted and continued


class Interrupted(BaseException):
    pass


def interrupt_at(monkeypatch: pytest.MonkeyPatch, call: int, end: Callable[[], None]) -> list[int]:
    """Make the batch number `call` end the process by `end`; return a list that gets the sizes of all batches that are encoded."""
    encode_batch, sizes = BytesTokenizer.encode_batch, list[int]()

    def interrupted(self: BytesTokenizer, texts: list[str], normalised: bool = False) -> list[Tokens]:
        sizes.append(len(texts))
        if len(sizes) == call:
            end()
        return encode_batch(self, texts, normalised)

    monkeypatch.setattr(BytesTokenizer, "encode_batch", interrupted)
    return sizes


def interrupt() -> None:
    raise Interrupted


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("call", [2, 3, 6, 9])
def test_what_is_done_is_not_done_again(
    source: Path, tmp_path: Path, small: None, call: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare_text([str(source)], tmp_path / "whole", text=BYTES)
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        interrupt_at(patched, call, interrupt)
        prepare_text([str(source)], tmp_path / "data", text=BYTES)
    assert not (tmp_path / "data").exists() and "data: unfinished; the same command goes on with it" in capsys.readouterr().err
    sizes = interrupt_at(monkeypatch, -1, interrupt)
    assert prepare_text([str(source)], tmp_path / "data", text=BYTES) == whole
    assert sum(sizes) == len(TEXTS) - 7 * (call - 1)
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"source", "whole", "data"}


@pytest.mark.parametrize("calls", [(4,), (3, 2, 5), (9,), (1, 9)])
def test_killed(source: Path, tmp_path: Path, small: None, calls: tuple[int, ...]) -> None:
    """A killed process tidies nothing up; the next one cuts off what it wrote after the last record."""
    whole = prepare_text([str(source)], tmp_path / "whole", text=BYTES)
    for call in calls:
        child = os.fork()
        if child == 0:
            with pytest.MonkeyPatch.context() as patched:
                interrupt_at(patched, call, kill)
                prepare_text([str(source)], tmp_path / "data", text=BYTES)
            os._exit(0)
        os.waitpid(child, 0)
        for shard in (tmp_path / ".data.unfinished" / "content").glob("*.bin"):
            with shard.open("ab") as file:
                file.write(b"written, and not on record")
    assert prepare_text([str(source)], tmp_path / "data", text=BYTES) == whole
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")


def test_killed_right_before_the_folder_appeared(source: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is there already, or half of one, is no part of the data."""
    whole = prepare_text([str(source)], tmp_path / "whole", text=BYTES)
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(unfinished, "publish_folder", lambda complete, target: interrupt())
        prepare_text([str(source)], tmp_path / "data", text=BYTES)
    (tmp_path / ".data.unfinished" / "content" / ".manifest.json.1.partial").write_text("{")
    assert prepare_text([str(source)], tmp_path / "data", text=BYTES) == whole
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")


def test_killed_right_after_the_folder_appeared(source: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def publish_and_die(complete: Path, target: Path) -> None:
        publish_folder(complete, target)
        interrupt()

    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(unfinished, "publish_folder", publish_and_die)
        prepare_text([str(source)], tmp_path / "data", text=BYTES)
    assert (tmp_path / ".data.unfinished").exists()
    before = contents(tmp_path / "data")
    prepare_text([str(source)], tmp_path / "data", text=BYTES)
    assert contents(tmp_path / "data") == before and {path.name for path in tmp_path.iterdir()} == {"source", "data"}


def test_other_settings_do_not_continue_it(source: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        interrupt_at(patched, 4, interrupt)
        prepare_text([str(source)], tmp_path / "data", text=BYTES)
    kept = {path: path.read_bytes() for path in (tmp_path / ".data.unfinished").rglob("*") if path.is_file()}
    begun = r"of the preparation that was interrupted there"
    remedy = r"repeat that command, choose another folder, or remove .*\.data\.unfinished"
    for what, sources, options in (
        ("vocabulary", source, {"vocab_size": 400}),
        ("split", source, {"text": BYTES, "val_docs": 3}),
        ("documents", write_texts(tmp_path / "others", TEXTS[:-1]), {"text": BYTES}),
    ):
        with pytest.raises(ParameterError, match=rf"out: expected the {what} {begun} .*, found others .*; {remedy}"):
            prepare_text([str(sources)], tmp_path / "data", **options)
    assert kept == {path: path.read_bytes() for path in (tmp_path / ".data.unfinished").rglob("*") if path.is_file()}


def test_what_was_kept_and_is_damaged(source: Path, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched, pytest.raises(Interrupted):
        interrupt_at(patched, 7, interrupt)
        prepare_text([str(source)], tmp_path / "data", text=BYTES)
    hidden = tmp_path / ".data.unfinished"
    for name, expected in (
        ("content/train_000000.bin", r"train_000000\.bin: expected \d+ bytes as they were written, found \d+"),
        ("record.json", r"record\.json: expected the record of an unfinished preparation \(or remove .*data\.unfinished\), found"),
    ):
        valid = (hidden / name).read_bytes()
        (hidden / name).write_bytes(valid[: len(valid) // 2])
        with pytest.raises(InputError, match=expected):
            prepare_text([str(source)], tmp_path / "data", text=BYTES)
        (hidden / name).write_bytes(valid)


@pytest.mark.slow
def test_killed_at_any_instant(source: Path, tmp_path: Path, small: None, bpe: BpeTokenizer) -> None:
    """SIGKILL, again and again, with two workers and a record after each batch; what comes out is what nobody touched."""
    (tmp_path / "any.model").write_bytes(bpe.serialised)
    long = write_jsonl(tmp_path / "a.jsonl", [f"{i} {SOURCE}" for i in range(100)])
    code = (
        "import sys, pathlib; from bytegolf.text import encoded_data, encoding, prepare\n"
        "encoding.BATCH_DOCUMENTS, encoded_data.MAX_SHARD_TOKENS, encoded_data.KEEP_SECONDS = 1, 100_000, 0.0\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "prepare.prepare_text([sys.argv[2]], folder / sys.argv[3], tokenizer=folder / 'any.model', num_workers=int(sys.argv[4]))"
    )

    def start(name: str, num_workers: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", code, str(tmp_path), str(long), name, str(num_workers)]
        return subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE)

    assert start("whole", 1).wait(120) == 0
    record, kills = tmp_path / ".data.unfinished" / "record.json", 0
    for wait in np.random.default_rng(0).uniform(0.0, 1.0, 40):
        before, process, until = contents_or_nothing(record), start("data", 2), time.monotonic() + 60
        while process.poll() is None and contents_or_nothing(record) == before and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(wait)
        process.kill()
        process.communicate()
        if process.returncode == 0:
            break
        kills += 1
    assert kills > 1 and process.returncode == 0
    assert contents(tmp_path / "data") == contents(tmp_path / "whole")


def contents_or_nothing(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
