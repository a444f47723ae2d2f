"""Damaged files of every kind that others may send: read, or refused in one line, soon and in little memory."""

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save

from bytegolf.artifact.container import read_artifact
from bytegolf.artifact.finished_run import read_run
from bytegolf.coding.block_coder import Layout
from bytegolf.coding.compressor import Compressor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.flow.audit import audit_data
from bytegolf.proving.prove import HeldOutText
from bytegolf.proving.verify import verify_receipt
from bytegolf.reporting.page import page
from bytegolf.reporting.reading import read_contents, read_run_report
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.data_folder import DataFolder
from bytegolf.storage.files import write_json
from bytegolf.storage.records import read_record
from bytegolf.storage.run_folder import RunFolder
from bytegolf.storage.run_records import OverlapRecord
from bytegolf.training.checkpoint import load_checkpoint
from support.artifacts import seal
from support.baseline_files import banked, exported, imported, per_layer, torch_bytes
from support.fuzz import mutations, read_or_refused
from support.models import changed, random_model
from support.proofs import SENTENCES, artifact_file, own
from support.proved_texts import IN_PROCESS, TOKENS, proved

FEW, MANY = 14, 560  # damaged files of each kind, in `make test` and in `make check`
SMALL = changed(isolate_documents=False, num_layers=1, xsa_layers=0, value_embed_layers=0, bigram_size=0, trigram_size=0)
LAYOUT = Layout(block_bytes=400, lane_tokens=10)
SHORT = HeldOutText(TOKENS[:30], own().decode(TOKENS[:30]))


class Reader(NamedTuple):
    """A file of the samples, and what reads it in their folder."""

    file: str
    read: Callable[[Path], object]


def packed(folder: Path) -> PackedModel:
    return PackedModel(folder / "model.bgz")


def report(folder: Path) -> object:
    return read_run_report(RunFolder(folder / "run"), "run")


def shown(folder: Path) -> object:
    return page(read_contents([folder / "run"]))


def checkpoint(folder: Path) -> object:
    return load_checkpoint(folder / "run" / "checkpoints", torch.device("cpu"))


def proof(folder: Path) -> object:
    return Compressor(packed(folder)).decompress(folder / "proof.bgc", folder / "text")


def compressed(folder: Path) -> object:
    return Compressor(packed(folder), LAYOUT).decompress(folder / "text.bgc", folder / "text")


def compressors(folder: Path) -> object:
    return read_record(folder / "data" / "compressors.json", list[CompressorScore], "the scores of compressors")


def overlap(folder: Path) -> object:
    return read_record(folder / "data" / "overlap.json", OverlapRecord, "what an audit of the data gave")


def weights_in(name: str) -> Callable[[Path], object]:
    return lambda folder: imported(folder / name, SMALL)


READERS = {
    "a torch file": Reader("plain.pt", weights_in("plain.pt")),
    "a torch file with wrappers": Reader("wrapped.pt", weights_in("wrapped.pt")),
    "an old torch file": Reader("old.pt", weights_in("old.pt")),
    "a quantised export": Reader("export.pt", weights_in("export.pt")),
    "a compressed export": Reader("export.ptz", weights_in("export.ptz")),
    "safetensors": Reader("a.safetensors", weights_in("a.safetensors")),
    "an artifact": Reader("model.bgz", packed),
    "the body of an artifact": Reader("body", lambda folder: read_artifact(seal((folder / "body").read_bytes()), "body")),
    "a proof": Reader("proof.bgc", proof),
    "a receipt": Reader("receipt.json", lambda folder: verify_receipt(folder / "receipt.json", IN_PROCESS)),
    "a compressed file": Reader("text.bgc", compressed),
    "a run's manifest": Reader("run/manifest.json", report),
    "a run's log": Reader("run/log.jsonl", report),
    "a run's score": Reader("run/score-sliding.json", report),
    "what packing gave": Reader("run/pack.json", shown),
    "bits along a text": Reader("run/bits-sliding.json", shown),
    "an audit of data": Reader("data/overlap.json", overlap),
    "a run's weights": Reader("run/weights.safetensors", lambda folder: read_run(folder / "run")),
    "the state of a checkpoint": Reader("run/checkpoints/step-00000020/state.json", checkpoint),
    "the tensors of a checkpoint": Reader("run/checkpoints/step-00000020/tensors.safetensors", checkpoint),
    "a data manifest": Reader("data/manifest.json", lambda folder: DataFolder(folder / "data").manifest()),
    "scores of compressors": Reader("data/compressors.json", compressors),
}


@pytest.fixture(scope="module")
def samples(run: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound file of every kind."""
    folder = tmp_path_factory.mktemp("samples")
    shutil.copytree(run, folder / "run")
    shutil.copytree(data, folder / "data")
    write_json(folder / "data" / "compressors.json", [{"name": "xz -9e", "alone": 2.5, "primed": 2.0}])
    audit_data(folder / "data", near=False)
    model = random_model(SMALL)
    (folder / "plain.pt").write_bytes(torch_bytes(banked(model)))
    (folder / "wrapped.pt").write_bytes(torch_bytes({"model": {f"_orig_mod.{name}": tensor for name, tensor in per_layer(model).items()}}))
    torch.save(banked(model), folder / "old.pt", _use_new_zipfile_serialization=False)
    (folder / "export.pt").write_bytes(torch_bytes(exported(per_layer(model), 5)[0]))
    (folder / "export.ptz").write_bytes(zlib.compress((folder / "export.pt").read_bytes()))
    (folder / "a.safetensors").write_bytes(save(model.state_dict()))
    assert proved(artifact_file(folder), SHORT, "sliding").ok
    (folder / "body").write_bytes((folder / "model.bgz").read_bytes()[16:])
    (folder / "text").write_bytes("".join(SENTENCES[:5]).encode())
    Compressor(packed(folder), LAYOUT).compress(folder / "text", folder / "text.bgc")
    return folder


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", READERS)
def test_damage_is_harmless(kind: str, count: int, samples: Path) -> None:
    file, read = READERS[kind]
    sound = (samples / file).read_bytes()
    assert read_or_refused(lambda: read(samples)), "the sound file is read"
    try:
        for damaged in mutations(sound, count, seed=count):
            (samples / file).write_bytes(damaged)
            read_or_refused(lambda: read(samples))
    finally:
        (samples / file).write_bytes(sound)
