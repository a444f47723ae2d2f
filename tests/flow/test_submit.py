"""Submissions of runs of the CPU's size: made, checked, read and refused."""

import json
import shutil
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.contest.submission import Entrant
from bytegolf.errors import InputError
from bytegolf.flow import submit as submitting
from bytegolf.recipes import load_recipe, recipe_toml
from bytegolf.sandbox import sandbox_available
from support.runs import micro, sha256

ADA = Entrant("Ada", "ada", "A small model")


def with_seed(run: Path, folder: Path, *overrides: str) -> Path:
    """Return a copy of a run whose recipe says something else: another seed, if nothing is named."""
    copy = shutil.copytree(run, folder)
    (copy / "recipe.toml").write_text(recipe_toml(load_recipe(copy / "recipe.toml", overrides or ("train.seed=2",))))
    return copy


@pytest.mark.slow
def test_a_submission_of_two_seeds(run: Path, data: Path, tmp_path: Path) -> None:
    isolated = sandbox_available()
    second = tmp_path / "second"
    bg.train(micro("train.seed=2"), data, second)
    before = {path: sha256(path) for path in run.iterdir() if path.is_file()}
    result = bg.submit([run, second], data, tmp_path / "out", ADA, limit_bytes=200, sandbox=isolated)
    assert result.ok and not result.problems and result.facts.code_bytes <= 60_000
    assert {path: sha256(path) for path in run.iterdir() if path.is_file()} == before, "the runs stay as they were"
    out = tmp_path / "out"
    names = {"README.md", "submission.json", "requirements.txt", "train_gpt.py", "receipt.json", "proof.bgc"}
    seeds = {f"{kind}_seed{seed}.{end}" for seed in (1, 2) for kind, end in (("artifact", "bgz"), ("train", "log"))}
    assert {path.name for path in out.iterdir()} == names | seeds
    assert bg.verify(out / "receipt.json", sandbox=isolated).ok
    told = json.loads((out / "submission.json").read_text())
    scores = [bg.score(out / f"artifact_seed{seed}.bgz", data, "sliding", limit_bytes=200).bpb for seed in (1, 2)]
    assert told["val_bpb"] == pytest.approx(sum(scores) / 2, rel=1e-6) and told["seeds"] == [1, 2]
    sizes = {name: (out / name).stat().st_size for name in ("train_gpt.py", "artifact_seed1.bgz", "artifact_seed2.bgz")}
    assert told["bytes_total"] == sizes.pop("train_gpt.py") + max(sizes.values())
    page = (out / "README.md").read_text()
    assert "# A small model" in page and "Mean of 2 seeds" in page and f"{scores[0]:.6f}" in page and "torch==" not in page
    found = bg.review(out)
    assert found.verdict == "clean" and {finding.rule for finding in found.findings} == {"seeds"}, "two are few"
    with pytest.raises(InputError, match="expected a new folder or an empty one"):
        bg.submit([run], data, out, ADA, sandbox=False)


@pytest.mark.slow
def test_a_folder_of_bare_shards_whose_tokenizer_is_beside_it(data: Path, tmp_path: Path) -> None:
    """As the contest's are."""
    bare = tmp_path / "datasets" / "bare"
    shutil.copytree(data, bare, ignore=shutil.ignore_patterns("manifest.json", "bytes", "*.zst"))
    (tmp_path / "tokenizers").mkdir()
    shutil.copyfile(data / "bytes", tmp_path / "tokenizers" / "bytes")
    tokenizer = tmp_path / "tokenizers" / "bytes"
    bg.train(micro("train.max_steps=5", "qat.start=1.0"), bare, tmp_path / "run", tokenizer=tokenizer)
    isolated = sandbox_available()
    result = bg.submit([tmp_path / "run"], bare, tmp_path / "out", ADA, check_bytes=100, tokenizer=tokenizer, sandbox=isolated)
    assert result.ok, result.problems
    assert result.facts.whole and result.receipt.text_bytes <= 100 < result.facts.seeds[0].bytes, "a part alone is proved"
    assert "`proof.bgc` is the beginning of the text" in (tmp_path / "out" / "README.md").read_text()


def test_a_folder_that_breaks_a_rule_is_no_submission(run: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "script_problems", lambda *given, **named: [])  # which takes seconds
    near, _ = shutil.copytree(run, tmp_path / "runs" / "near"), shutil.copytree(data, tmp_path / "data")
    result = bg.submit([near], None, tmp_path / "out", Entrant("Ada", "ada", "", "10min_16mb"), limit_bytes=100, sandbox=False)
    assert not result.ok and not (tmp_path / "out" / "submission.json").exists()
    assert result.problems == (
        "expected at least 3 seeds for a record, found 1",
        "expected a score of all held-out text for a record, found one of its beginning",
    )
    assert (tmp_path / "out" / "README.md").read_text().startswith("# micro\n"), "named as the recipe"


def test_runs_that_make_no_submission(run: Path, data: Path, tmp_path: Path) -> None:
    other = with_seed(run, tmp_path / "other", "train.seed=2", "optim.matrix_lr=0.5")
    elsewhere, imported = with_seed(run, tmp_path / "elsewhere"), with_seed(run, tmp_path / "imported")
    unfinished, newer, patched = (with_seed(run, tmp_path / name) for name in ("unfinished", "newer", "patched"))
    (unfinished / "manifest.json").unlink()
    changes = ((elsewhere, "data_sha256", "00"), (imported, "seconds", None), (newer, "torch", "99.1"), (patched, "code_sha256", "ab" * 32))
    for folder, key, value in changes:
        said = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**said, key: value}))
    for runs, told in (
        ([], "runs: expected at least one run"),
        ([run, run], "expected another seed than .*, found 1 again"),
        ([run, other], "expected the recipe of .*, found optim.matrix_lr = 0.5"),
        ([run, elsewhere], "expected a run trained on .*, found one trained on other data"),
        ([run, imported], "found an imported one"),
        ([run, newer], "newer: expected one trained with the torch of .*, found 99.1; seeds of a submission are of one configuration"),
        ([run, patched], "patched: expected one trained with the code of .*, found abababababab;"),
        ([run, unfinished], "expected a finished run"),
    ):
        with pytest.raises(InputError, match=told):
            bg.submit(runs, data, tmp_path / "out", ADA, sandbox=False)
        assert not (tmp_path / "out").exists()


def test_data_that_is_not_beside_the_runs(run: Path, tmp_path: Path) -> None:
    near = shutil.copytree(run, tmp_path / "runs" / "near")
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match=r"data: expected the data folder that .*near was trained on, found none beside it"):
        bg.submit([near], None, tmp_path / "out", ADA, sandbox=False)
