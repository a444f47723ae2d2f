"""Run folders as they are found: finished, killed, damaged, in a sweep, and beside their data."""

import json
import shutil
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import InputError
from bytegolf.reporting.reading import read_contents, read_run_report
from bytegolf.storage.run_folder import RunFolder
from support.records import read_json
from support.runs import finished, prepared


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished and packed. Read only."""
    return finished(tmp_path_factory)


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(run, tmp_path / "copied")


def kill(run: Path, steps: int = 2) -> Path:
    """Leave what a run has that was killed while it wrote its log."""
    for left in ("manifest.json", "weights.safetensors", "artifact.bgz", "pack.json", "report.html"):
        (run / left).unlink(missing_ok=True)
    lines = [line for line in (run / "log.jsonl").read_text().splitlines() if '"step"' in line][:steps]
    (run / "log.jsonl").write_text("\n".join(lines) + '\n{"event": "st')
    return run


def test_a_finished_run(run: Path) -> None:
    shown = read_run_report(RunFolder(run))
    assert shown.name == run.parent.name, "a folder called run is named by the one around it"
    assert shown.manifest is not None and shown.pack is not None and shown.pack.tensors and shown.events
    assert [pack.bytes for pack in shown.packs] == [shown.pack.bytes] and list(shown.figures)


def test_courses_are_of_the_score_and_of_the_proof(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both sum to the score's bits; one of an artifact that was made anew is left out."""
    data = prepared(tmp_path_factory)
    score = bg.score(copied / "artifact.bgz", data, "standard", limit_bytes=0)
    bg.prove(copied / "artifact.bgz", data, "sliding", sandbox=False)
    courses = {course.protocol: course for course in read_run_report(RunFolder(copied)).courses}
    assert sum(courses["standard"].slice_bits) == pytest.approx(score.bits, abs=0.1)
    assert sum(courses["standard"].slice_bytes) == score.bytes
    receipt = read_json(copied / "receipt.json")
    assert sum(courses["sliding"].slice_bits) == pytest.approx(receipt["bits_claimed"], abs=0.1)
    bg.pack(copied, budget=20_000)
    renewed = read_run_report(RunFolder(copied))
    assert not renewed.courses and not renewed.receipt and not [score for score in renewed.scores if score.of == "artifact.bgz"]


def test_a_part_of_the_text_leaves_no_course(copied: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = prepared(tmp_path_factory)
    for kept in copied.glob("bits-*.json"):
        kept.unlink()
    bg.score(copied / "artifact.bgz", data, "standard", limit_bytes=500)
    bg.prove(copied / "artifact.bgz", data, "sliding", limit_bytes=500, sandbox=False)
    assert not list(copied.glob("bits-*.json"))


def test_a_killed_run_is_shown_as_it_is(copied: Path) -> None:
    """The line that it was writing is torn."""
    contents = read_contents([kill(copied)])
    (shown,) = contents.runs
    assert shown.manifest is None and len(shown.of("step")) == 2 and shown.steps_done > 0 and not shown.figures


def test_a_torn_line_in_a_finished_log_is_damage(copied: Path) -> None:
    (copied / "log.jsonl").write_text((copied / "log.jsonl").read_text() + '{"event": "st')
    with pytest.raises(InputError, match=r"log\.jsonl: expected an event in line \d+"):
        read_contents([copied])


def test_a_run_that_never_logged_a_step(copied: Path) -> None:
    kill(copied, steps=0)
    (copied / "log.jsonl").write_text("")
    with pytest.raises(InputError, match=r"expected a run that has done a step, found one whose log\.jsonl is empty"):
        read_contents([copied])
    (copied / "log.jsonl").unlink()
    with pytest.raises(InputError, match="expected a run that has done a step"):
        read_contents([copied])


def test_a_folder_of_runs(run: Path, tmp_path: Path) -> None:
    """As a sweep lays them out, with a recipe of its own; what cannot be read there is left out, and said so."""
    sweep = tmp_path / "sweep"
    for name in ("a", "b", "killed", "damaged"):
        shutil.copytree(run, sweep / "cells" / name)
    kill(sweep / "cells" / "killed")
    (sweep / "cells" / "damaged" / "pack.json").write_text("{}")
    shutil.copy(run / "recipe.toml", sweep)
    (sweep / "sweep.json").write_text("{}")
    contents = read_contents([sweep])
    assert contents.title == "sweep" and [shown.name for shown in contents.runs] == ["a", "b", "killed"]
    assert len(contents.left_out) == 1 and "damaged/pack.json: expected what packing gave" in contents.left_out[0]
    assert [shown.name for shown in read_contents([sweep, sweep / "cells" / "a"]).runs] == ["a", "b", "killed"], "each once"


def test_a_folder_in_which_nothing_can_be_read(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "runs" / "damaged")
    (tmp_path / "runs" / "damaged" / "pack.json").write_text("{}")
    with pytest.raises(InputError, match=r"damaged/pack\.json: expected what packing gave"):
        read_contents([tmp_path / "runs"])


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_no_run_at_all(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("words")
    with pytest.raises(InputError, match=f"{name}: expected a (finished run|run folder), found"):
        read_contents([tmp_path / name])


def test_a_run_of_another_version(copied: Path) -> None:
    recipe = copied / "recipe.toml"
    recipe.write_text(recipe.read_text() + "\n[future]\nkey = 1\n")
    with pytest.raises(InputError, match="future"):
        read_contents([copied])
    recipe.write_text(recipe.read_text().partition("\n[future]")[0])
    manifest = read_json(copied / "manifest.json")
    del manifest["steps"]
    (copied / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json: expected what a finished run records, found steps: Field required"):
        read_contents([copied])


def test_runs_of_one_name_stay_apart(run: Path, tmp_path: Path) -> None:
    for name in ("one/x", "two/x"):
        shutil.copytree(run, tmp_path / name)
    assert [shown.name for shown in read_contents([tmp_path / "one/x", tmp_path / "two/x"]).runs] == ["one/x", "two/x"]


def test_the_data_folder_beside_a_run_is_found_by_its_hash(run: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = prepared(tmp_path_factory)
    shutil.copytree(run, tmp_path / "out" / "run")
    assert read_contents([tmp_path / "out" / "run"]).data is None
    shutil.copytree(data, tmp_path / "out" / "data")
    bg.audit_data(tmp_path / "out" / "data")
    found = read_contents([tmp_path / "out" / "run"]).data
    assert found is not None and found.manifest["val_bytes"] > 0 and found.overlap is not None and found.overlap.ok
    assert read_contents([run], tmp_path / "out" / "data").data is not None
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"other: expected the data folder that .* was trained on"):
        read_contents([run], tmp_path / "other")
