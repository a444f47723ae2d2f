"""One run on several processes is the run on one; what befalls one of them ends all, and loses nothing."""

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from bytegolf.run import RunFolder

from .cases import prepared
from .processes import Run, losses, training

# Without QAT: a weight between two points of the grid turns a difference in the last bit into a whole step.
TWENTY = ("train.max_steps=20", "qat.start=1.0", "train.verify_every=1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("alone") / "run"
    with Run(1, *training(data, run, *TWENTY)) as processes:
        assert [ended.status for ended in processes.wait()] == [0]
    return run


@pytest.mark.parametrize("size", [2, 4])
def test_losses_do_not_depend_on_how_many_processes_there_are(data: Path, tmp_path: Path, alone: Path, size: int) -> None:
    with Run(size, *training(data, tmp_path / "run", *TWENTY), "--json") as processes:
        ended = processes.wait()
    assert [each.status for each in ended] == [0] * size
    np.testing.assert_allclose(losses(tmp_path / "run"), losses(alone), rtol=0, atol=1e-5)
    assert len(losses(alone)) == 20
    results = [json.loads(each.out) for each in ended if each.out]
    assert len(results) == 1, "one process speaks"
    assert results[0]["val_bpb"] == pytest.approx(RunFolder(alone).read_manifest()["val_bpb"], abs=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_replicas_are_the_same_bits_after_every_step(data: Path, tmp_path: Path, dtype: str) -> None:
    """And each keeps ⌈n/3⌉ of the n momenta of a bank."""
    script = ["-m", "train.processes", str(data), str(tmp_path / "run"), "-1"]
    few = ["train.max_steps=6", "qat.start=0.5", "train.batch_tokens=192", f"train.dtype={dtype}"]
    with Run(3, *script, *few) as processes:
        ended = processes.wait()
    assert [each.status for each in ended] == [0, 0, 0], ended[0].err
    found = [json.loads(each.out) for each in ended]
    assert len(found[0]["hashes"]) == 6 and found[0]["hashes"] == found[1]["hashes"] == found[2]["hashes"]
    assert sorted(shape[0] for shape in found[0]["momentum"]) == [1, 1, 2, 2]  # of 2, 2, 4 and 4 matrices


def test_replicas_that_differ_end_the_run(data: Path, tmp_path: Path) -> None:
    script = ["-m", "train.processes", str(data), str(tmp_path / "run"), "3"]
    with Run(2, *script, "train.max_steps=8", "train.verify_every=2") as processes:
        ended = processes.wait()
    assert all(each.status for each in ended)
    said = "".join(each.err for each in ended)
    assert "replicas differ: expected banks.up of rank 0 after step 4, found another on rank 1" in said


def test_a_batch_that_cannot_be_shared_out(data: Path, tmp_path: Path) -> None:
    with Run(3, *training(data, tmp_path / "run")) as processes:
        ended = processes.wait()
    assert all(each.status == 2 for each in ended)
    said = "".join(each.err for each in ended)
    assert said.count("error: ") == 1
    assert "train.batch_tokens: expected a multiple of 3 sequences for 3 processes, found 8" in said
    assert not (tmp_path / "run").exists()


def test_a_shard_that_one_process_misses(data: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(data, tmp_path / "copy")
    (shard,) = copy.glob("train_*.bin")
    shard.unlink()
    common = ["-m", "bytegolf", "train", str(Path(__file__).with_name("micro.toml")), "--out", str(tmp_path / "run")]
    with Run(2, *common, own={0: ["--data", str(data)], 1: ["--data", str(copy)]}) as processes:
        ended = processes.wait()
    assert all(each.status == 2 for each in ended)
    said = "".join(each.err for each in ended)
    assert said.count("error: ") == 1 and "rank 1" in said and str(copy) in said


def test_a_process_that_is_killed(data: Path, tmp_path: Path, alone: Path) -> None:
    """The other ends and names it; the run goes on with one process, and ends as if nothing had been."""
    steps = (*TWENTY, "train.checkpoint_every=1")
    with Run(2, *training(data, tmp_path / "run", *steps)) as processes:
        wait_for(tmp_path / "run" / "log.jsonl", '"step": 2,')
        processes.signal(1, signal.SIGKILL)
        survivor = processes.wait()[0]
    assert survivor.status == 2
    assert survivor.err.count("error: ") == 1 and "rank 1" in survivor.err and "--resume" in survivor.err
    with Run(1, *training(data, tmp_path / "run", *steps), "--resume") as processes:
        assert [each.status for each in processes.wait()] == [0]
    np.testing.assert_allclose(losses(tmp_path / "run"), losses(alone), rtol=0, atol=1e-5)


def test_an_interrupted_process_stops_all_with_a_checkpoint(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Run(2, *training(data, run, "train.max_steps=100000", "train.checkpoint_every=1000000")) as processes:
        wait_for(run / "log.jsonl", '"step": 1,')
        processes.signal(1, signal.SIGTERM)
        ended = processes.wait()
    assert [each.status for each in ended] == [130, 130]
    assert sum("continue with --resume" in each.err for each in ended) == 1
    (checkpoint,) = (run / "checkpoints").iterdir()
    assert int(checkpoint.name.removeprefix("step-")) == len(losses(run))


@pytest.mark.slow
def test_a_process_that_stalls_is_named(data: Path, tmp_path: Path) -> None:
    with Run(2, *training(data, tmp_path / "run", "train.max_steps=100000")) as processes:
        processes.until("train: 0")
        processes.signal(1, signal.SIGSTOP)
        status = processes.processes[0].wait(120)
        assert processes.processes[0].stderr is not None
        said = processes.processes[0].stderr.read()
    assert status == 2 and "rank 1 of 2 was not heard of for" in said


def wait_for(log: Path, text: str) -> None:
    until = time.monotonic() + 120
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < until
        time.sleep(0.02)
