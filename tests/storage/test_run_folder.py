"""What a run recorded is checked when it is read, and no two of its files share a path."""

import json
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.storage.run_folder import RunFolder
from support.records import MANIFEST


@pytest.mark.parametrize("text", ["{", "", "[]", "3", '"steps"', "null", "\0", "[" * 9999, '{"val_bpb": 1.5}'])
def test_a_damaged_run_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json: expected"):
        RunFolder(tmp_path).read_manifest()


def test_a_run_that_is_missing_or_unfinished(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: expected a run folder, found nothing"):
        RunFolder(tmp_path / "none").read_manifest()
    with pytest.raises(InputError, match=r"expected a finished run, found no manifest\.json; finish it with: bytegolf train .* --resume"):
        RunFolder(tmp_path).read_manifest()


DAMAGED_LINES = [
    *('{"event": "st', "\0\0\0\0", "words\n", "[" * 9999, '{"step": 1}', '{"event": 1}', "3"),
    *('{"event": "step", "step": 2}', '{"event": "step", "step": 2, "loss": "3"}', '{"event": "validate", "step": 2, "bpb": NaN}'),
    '{"event": "done", "step": 2, "seconds": ' + "9" * 4000 + "}",
]


@pytest.mark.parametrize("tail", DAMAGED_LINES)
def test_a_damaged_log_is_named(tmp_path: Path, tail: str) -> None:
    (tmp_path / "log.jsonl").write_text('{"event": "step", "step": 1, "loss": 2.5}\n' + tail)
    with pytest.raises(InputError, match=r"log\.jsonl: expected an event in line 2, found "):
        RunFolder(tmp_path).events()


def test_a_finished_run_reads_back(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    events = [{"event": "start"}, {"event": "step", "step": 1, "loss": 2.5}]
    run.manifest.write_text(json.dumps(MANIFEST))
    run.log.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    assert run.read_manifest() == MANIFEST
    assert run.events() == events


def test_every_file_of_a_run_has_a_path_of_its_own(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    paths = [run.recipe, run.log, run.text_log, run.checkpoints, run.weights, run.manifest, run.pack, run.artifact, run.report]
    paths += [run.score("standard"), run.score("sliding")]
    assert len(set(paths)) == len(paths)
    assert {path.parent for path in paths} == {tmp_path}
