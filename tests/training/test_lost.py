"""A process that is killed, stops, or fails ends the run for all: soon, with one line that names it; and the run resumes."""

import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bytegolf.config import TextConfig
from bytegolf.text.prepare import prepare_text
from bytegolf.text.shards import HEADER_BYTES
from support.processes import Crowd, Dawdle, Signal, finish, impatient, start, train_command
from support.runs import documents, events, prepared, write_texts

SIZE, LOST = 3, 2
RECIPE = ("train.batch_tokens=384", "train.max_steps=20", "qat.start=1.0", "train.checkpoint_every=3")


@dataclass(frozen=True)
class Failed:
    crowd: Crowd
    status: list[int | None]  # of the processes that were not lost
    run: Path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory, data: Path) -> dict[str, Failed]:
    """Crowds of three, side by side, since most of what they do is wait."""
    root = tmp_path_factory.mktemp("lost")
    truncated, other = root / "truncated", root / "other"
    shutil.copytree(data, truncated)
    shard = next(truncated.glob("train_*.bin"))
    shard.write_bytes(shard.read_bytes()[:-2])
    shutil.copytree(data, damaged := root / "damaged")
    with next(damaged.glob("train_*.bin")).open("r+b") as file:
        file.seek(HEADER_BYTES)
        file.write(b"\xff" * 60_000)  # the first half, so that a few batches go well
    prepare_text([str(write_texts(root / "texts", documents(seed=2)))], other, text=TextConfig(tokenizer="bytes"))

    def command(name: str, data: Path = data, *overrides: str) -> list[object]:
        return train_command(data, root / name / "run", *RECIPE, *overrides)

    crowds = {
        "killed": start(root / "killed", [command("killed")] * SIZE, [Signal(LOST, signal.SIGKILL)]),
        "killed first": start(root / "killed first", [command("killed first")] * SIZE, [Signal(0, signal.SIGKILL)]),
        "stopped": start(root / "stopped", [command("stopped")] * SIZE, [Signal(LOST, signal.SIGSTOP), impatient]),
        "truncated": start(root / "truncated run", [command("truncated run")] * 2 + [command("truncated run", truncated)]),
        "damaged": start(root / "damaged run", [command("damaged run")] * 2 + [command("damaged run", damaged)]),
        "other data": start(root / "other data", [command("other data")] * 2 + [command("other data", other)]),
        "another recipe": start(
            root / "another recipe", [command("another recipe")] * 2 + [command("another recipe", data, "train.seed=7")]
        ),
        "dawdling": start(root / "dawdling", [command("dawdling")] * SIZE, [Dawdle(LOST, 12.0), impatient]),
    }
    survivors = {"killed": [0, 1], "killed first": [1, 2], "stopped": [0, 1]}
    return {name: Failed(crowd, crowd.wait(ranks=survivors.get(name)), crowd.folder / "run") for name, crowd in crowds.items()}


@pytest.mark.parametrize(("case", "rank"), [("killed", LOST), ("killed first", 0), ("stopped", LOST)])
def test_who_is_lost_is_named_and_the_run_resumes(tmp_path: Path, data: Path, failed: dict[str, Failed], case: str, rank: int) -> None:
    found = failed[case]
    assert found.status == [2, 2]
    [line] = found.crowd.errors()
    assert f"error: rank {rank} of 3 was not heard of for" in line and "resume the run, on any number of processes" in line
    finish(tmp_path / "resumed", 2, data, found.run, *RECIPE)
    assert [event["step"] for event in events(found.run, "step")] == list(range(1, 21))


def test_a_process_that_takes_longer_than_patience_lasts_but_beats_is_waited_for(failed: dict[str, Failed]) -> None:
    assert failed["dawdling"].status == [0, 0, 0]


CAUSES: dict[str, Callable[[str], bool]] = {
    "truncated": lambda line: line.startswith("error: rank 2: ") and "truncated/train_000000.bin: expected" in line,
    "damaged": lambda line: line.endswith("error: rank 2: tokens: expected ids below model.vocab_size 260, found 65535"),
    "other data": lambda line: line.endswith("expected the data of rank 0 in every process, found another on rank 2"),
    "another recipe": lambda line: line.endswith("expected the recipe of rank 0 in every process, found another on rank 2"),
}


@pytest.mark.parametrize("case", CAUSES)
def test_what_one_process_cannot_read_ends_all(failed: dict[str, Failed], case: str) -> None:
    found = failed[case]
    assert found.status == [2, 2, 2]
    [line] = found.crowd.errors()
    assert CAUSES[case](line)
    assert not found.run.exists() or case == "damaged"  # which shows only once it is read
