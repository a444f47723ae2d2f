"""What a run still needs, from what its folder holds."""

import json
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.experiments.measure import Measure
from bytegolf.storage.run_folder import RunFolder
from support.runs import sha256
from support.scored_runs import scored_run

WORDS = (("recipe.toml", "--set", "train.seed=1"), ("--data", "data"))
PACK = {
    "bytes": 123, "budget": 200, "method": "rate", "coder": "range", "bpb_before": 1.0, "bpb_after": 1.1, "bpb_experts": None,
    "bits": {}, "bits_per_weight": 3.0, "sections": {},
}  # fmt: skip


def verbs(measure: Measure) -> list[str]:
    return [step[0] for step in measure.steps(RunFolder(Path("run")), *WORDS)]


def test_the_commands() -> None:
    assert verbs(Measure(None, packs=False)) == ["train"]
    assert verbs(Measure("sliding", packs=False)) == ["train", "score"]
    assert verbs(Measure(None, packs=True)) == verbs(Measure("sliding", packs=True)) == ["train", "pack"]
    assert verbs(Measure("streaming", packs=True)) == ["train", "pack", "score"]
    train, pack, score = Measure("ttt", packs=True).steps(RunFolder(Path("run")), *WORDS)
    assert train == ("train", "recipe.toml", "--set", "train.seed=1", "--data", "data", "--out", "run", "--resume")
    assert pack == ("pack", "run", "--data", "data")
    assert score == ("score", "run/artifact.bgz", "--data", "data", "--protocol", "ttt")


def test_step_by_step(tmp_path: Path) -> None:
    run, measure = RunFolder(tmp_path / "run"), Measure("streaming", packs=True)

    def needed() -> str | None:
        step = measure.next_step(run, *WORDS)
        assert (measure.measured(run) is None) == (step is not None)
        return step[0] if step else None

    assert needed() == "train"
    scored_run(run.root, 1)
    assert needed() == "pack"
    run.artifact.write_bytes(b"packed")
    run.pack.write_text(json.dumps(PACK))
    assert needed() == "score"
    scored_run(run.root, 1, 1.25, protocol="streaming", sha256=sha256(run.artifact))
    assert needed() is None
    found = measure.measured(run)
    assert found is not None and (found.score.bpb, found.bytes, found.seconds) == (1.25, 123, 1.0)
    run.artifact.write_bytes(b"packed anew")
    assert needed() == "score"


def test_the_score_of_weights_is_not_that_of_an_artifact(tmp_path: Path) -> None:
    run = RunFolder(scored_run(tmp_path / "run", 1, 1.25, protocol="sliding"))  # of the artifact
    step = Measure("sliding", packs=False).next_step(run, *WORDS)
    assert step is not None and step[:2] == ("score", str(run.root))


def test_the_end_of_training(tmp_path: Path) -> None:
    run = RunFolder(scored_run(tmp_path / "run", 1, 1.25, val_bpb=1.5))
    found = Measure(None, packs=False).measured(run)
    assert found is not None and (found.score.bpb, found.bytes) == (1.5, None)


def test_damaged_records(tmp_path: Path) -> None:
    run = RunFolder(scored_run(tmp_path / "run", 1, val_bpb=1.5))
    run.manifest.write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json"):
        Measure(None, packs=False).measured(run)
