"""What a run folder holds when a run begins, ends, or is imported; and which folders are refused."""

from pathlib import Path

import pytest
import torch

from bytegolf.artifact.finished_run import read_run
from bytegolf.errors import InputError, ParameterError
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import Weights
from bytegolf.recipes import load_recipe
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data
from bytegolf.text.tokenizer import BytesTokenizer
from bytegolf.text.tokenizer_training import train_bpe
from bytegolf.training.log import EventLog
from bytegolf.training.run_record import begin_run, difference, finish_run, record_import, resumable
from support.records import read_json
from support.runs import documents, micro, prepared

BYTES = BytesTokenizer()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def new_weights() -> Weights:
    model = GPT(micro().model)
    model.initialise(1)
    return {name: weight.detach() for name, weight in model.named_parameters()}


def test_a_new_folder_holds_recipe_and_tokenizer(run: RunFolder) -> None:
    assert begin_run(run, micro(), BYTES, resume=False) is False
    assert {path.name for path in run.root.iterdir()} == {"recipe.toml", "bytes"}
    assert difference(load_recipe(run.recipe), micro()) == ""
    assert begin_run(run, micro(), BYTES, resume=True) is False


def test_an_existing_folder_is_refused_unless_it_is_resumed(run: RunFolder) -> None:
    begin_run(run, micro(), BYTES, resume=False)
    with pytest.raises(ParameterError, match=r"out: expected a new run folder, found .*run already there; resume it"):
        begin_run(run, micro(), BYTES, resume=False)


def test_another_recipe_or_tokenizer_is_refused(run: RunFolder) -> None:
    begin_run(run, micro(), BYTES, resume=False)
    with pytest.raises(InputError, match=r"expected the recipe the run began with, found train\.seed = 3 instead of 1"):
        begin_run(run, micro("train.seed=3"), BYTES, resume=True)
    with pytest.raises(InputError, match="expected the tokenizer the run began with"):
        begin_run(run, micro(), train_bpe(documents(), 300), resume=True)


def test_what_killed_processes_left_half_written_is_removed(run: RunFolder) -> None:
    begin_run(run, micro(), BYTES, resume=False)
    left = run.root / ".weights.safetensors.4242.partial"
    left.write_bytes(b"half of")
    begin_run(run, micro(), BYTES, resume=True)
    assert not left.exists()


def test_a_finished_run_is_read_back_as_it_ended(run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> None:
    begin_run(run, micro(), BYTES, resume=False)
    with EventLog(run.log, run.text_log) as log:
        log.write("validate", step=30, bpb=2.5)
        log.write("done", step=30, seconds=10.0)
    weights = new_weights()
    finish_run(run, micro(), weights, open_data(prepared(tmp_path_factory), None), None)
    manifest = read_json(run.manifest)
    assert {"steps": 30, "seconds": 10.0, "val_bpb": 2.5, "tokens_per_second": 768.0, "replay": None}.items() <= manifest.items()
    assert all(torch.equal(weight, weights[name]) for name, weight in read_run(run.root).weights.items())
    assert begin_run(run, micro(), BYTES, resume=True) is True


def test_an_import_is_a_finished_run_that_nobody_trained(run: RunFolder, tmp_path: Path) -> None:
    checkpoint = tmp_path / "model.pt"
    checkpoint.write_bytes(b"somebody's weights")
    record_import(run, micro(), new_weights(), BYTES, checkpoint)
    manifest = run.read_manifest()
    assert manifest["imported"]["checkpoint"] == "model.pt" and manifest["steps"] == 0 and manifest["val_bpb"] is None
    assert begin_run(run, micro(), BYTES, resume=True) is True


def test_a_full_disk_is_one_line_that_names_the_file(run: RunFolder) -> None:
    with pytest.raises(InputError, match=r"log\.jsonl: No space left on device; what was saved before still holds"), resumable(run):
        raise OSError(28, "No space left on device", str(run.log))
