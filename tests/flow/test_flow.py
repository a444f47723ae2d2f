"""prepare -> train -> pack -> score -> report on a small folder of text, and what each leaves in the run folder."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import bytegolf as bg
from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.names import ProtocolName
from bytegolf.recipes import load_recipe
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.storage.data_folder import DataManifest
from bytegolf.storage.files import read_json
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data
from bytegolf.text.prepare import prepare_text
from bytegolf.text.tokenizer import train_bpe
from bytegolf.training.loop import Trainer
from support.runs import documents, finished, micro, prepared, untimed, write_texts

LOG_EVENTS = {
    "step": {"step", "loss", "lr_scale", "progress", "qat", "seconds", "step_ms", "tokens_per_second", "peak_memory_mb"},
    "qat": {"step", "bits"},
    "validate": {"step", "bpb", "artifact_bytes"},
    "done": {"step", "seconds"},
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished and packed. Read only."""
    return finished(tmp_path_factory)


@pytest.fixture
def copied(run: Path, tmp_path: Path) -> Path:
    """Of the finished run, to be changed."""
    return shutil.copytree(run, tmp_path / "copied")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("init", ["orthogonal", "uniform"])
def test_a_run_begins_as_its_recipe_says(data: Path, tmp_path: Path, init: str) -> None:
    """Seen where nothing is learned."""
    still = [f"optim.{rate}_lr=0.0" for rate in ("matrix", "embed", "head", "projection", "scalar")]
    recipe = micro(f"train.init={init}", "train.max_steps=1", *still)
    bg.train(recipe, data, tmp_path / "run")
    keys = load_file(tmp_path / "run" / "weights.safetensors")["banks.kv"][0]
    orthogonal = torch.allclose(keys @ keys.T, torch.eye(len(keys)), atol=1e-5)
    narrow = bool(keys.abs().max() <= keys.shape[1] ** -0.5)
    assert (orthogonal, narrow) == (init == "orthogonal", init == "uniform")


# --- what a run leaves


def test_a_run_folder(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "recipe.toml", "bytes", "log.jsonl", "train.log", "checkpoints", "weights.safetensors", "manifest.json",
        "pack.json", "artifact.bgz", "score-sliding.json", "report.html",
    }  # fmt: skip
    assert load_recipe(run / "recipe.toml") == micro()
    assert [path.name for path in sorted((run / "checkpoints").iterdir())] == ["step-00000010", "step-00000020"]
    for event in RunFolder(run).events():
        assert set(event) - {"event"} == LOG_EVENTS[event["event"]]
    assert len((run / "train.log").read_text().splitlines()) == len(RunFolder(run).events()) == 30 + 3
    assert "micro" in (run / "report.html").read_text()


def test_the_manifest_names_all_that_the_run_depended_on(run: Path, data: Path) -> None:
    manifest = read_json(run / "manifest.json")
    assert manifest["data_sha256"] == sha256(data / "manifest.json") == open_data(data).sha256
    assert manifest["tokenizer_sha256"] == sha256(run / "bytes") == open_data(data).tokenizer.sha256
    assert re.fullmatch("[0-9a-f]{64}", manifest["code_sha256"])
    assert (manifest["recipe"], manifest["steps"]) == ("micro", 30)
    assert manifest["torch"] == torch.__version__
    assert manifest["parameters"] == sum(weight.numel() for weight in load_file(run / "weights.safetensors").values())
    assert manifest["tokens_per_second"] == pytest.approx(30 * 256 / manifest["seconds"])


def test_the_weights_tell_no_time_and_no_place(run: Path, data: Path, tmp_path: Path) -> None:
    """The same recipe on the same text, elsewhere and later, gives the same file."""
    moved = shutil.copytree(data, tmp_path / "moved")
    bg.train(micro(), moved, tmp_path / "another" / "place")
    again = tmp_path / "another" / "place" / "weights.safetensors"
    assert again.read_bytes() == (run / "weights.safetensors").read_bytes()
    with safe_open(again, "pt") as file:
        assert not file.metadata()
    assert untimed(tmp_path / "another" / "place") == untimed(run)


def test_the_weights_are_float32_and_the_models_own(run: Path) -> None:
    weights = load_file(run / "weights.safetensors")
    assert {weight.dtype for weight in weights.values()} == {torch.float32}
    model = bg.load_model(run).model
    assert set(weights) == set(dict(model.named_parameters()))
    assert all(torch.equal(weights[name], parameter) for name, parameter in model.named_parameters())


def test_the_result_is_the_manifests(run: Path, data: Path) -> None:
    """--resume on a finished run trains nothing."""
    before = sha256(run / "log.jsonl")
    result = bg.train(micro(), data, run, resume=True)
    manifest = read_json(run / "manifest.json")
    assert result.to_json() == {
        "run": str(run),
        **{key: manifest[key] for key in ("steps", "seconds", "tokens_per_second", "val_bpb", "parameters")},
    }
    assert sha256(run / "log.jsonl") == before


# --- scores


def test_the_last_validation_is_the_standard_score(copied: Path, data: Path) -> None:
    claimed = read_json(copied / "manifest.json")["val_bpb"]
    score = bg.score(copied, data, "standard")
    assert score.bpb == pytest.approx(claimed, rel=1e-6)
    assert claimed == RunFolder(copied).events()[-2]["bpb"]
    manifest = DataManifest.model_validate(read_json(data / "manifest.json"))
    assert (score.bytes, score.tokens, score.protocol) == (manifest.val_bytes, manifest.val_tokens - 1, "standard")
    assert score.bpb == score.bits / score.bytes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_score_is_kept_in_the_run(copied: Path, data: Path, protocol: ProtocolName) -> None:
    """With what was scored on what, so that nobody takes it for the score of anything else."""
    for source, scored in ((copied, copied / "weights.safetensors"), (copied / "artifact.bgz", copied / "artifact.bgz")):
        score = bg.score(source, data, protocol)
        kept = read_json(copied / f"score-{protocol}.json")
        assert kept == {**score.to_json(), "of": scored.name, "sha256": sha256(scored), "data": open_data(data).sha256}


def test_an_unknown_protocol(copied: Path, data: Path) -> None:
    with pytest.raises(InputError, match="protocol: expected standard or sliding or streaming or ttt, found 'magic'"):
        bg.score(copied, data, "magic")  # type: ignore[arg-type]


def test_the_score_of_an_artifact_that_was_replaced_is_not_reported(copied: Path, data: Path, tmp_path: Path) -> None:
    bg.score(copied / "artifact.bgz", data, "sliding")
    bg.report([copied], tmp_path / "page.html")
    assert "artifact.bgz: sliding" in (tmp_path / "page.html").read_text()
    bg.pack(copied, budget=20_000)
    bg.report([copied], tmp_path / "page.html")
    assert "artifact.bgz: sliding" not in (tmp_path / "page.html").read_text()


def test_the_artifact_alone_scores_what_pack_said(run: Path, data: Path, tmp_path: Path) -> None:
    """Nothing but the file is needed, and nothing is written beside it."""
    shutil.copy(run / "artifact.bgz", tmp_path / "alone.bgz")
    packed, beside = read_json(run / "pack.json"), bg.score(run / "artifact.bgz", data, "sliding")
    alone = bg.score(tmp_path / "alone.bgz", data, "sliding")
    assert alone == beside and alone.bpb == packed["bpb_after"]
    assert [path.name for path in tmp_path.iterdir()] == ["alone.bgz"]
    assert bg.load_artifact(tmp_path / "alone.bgz").tokenizer.sha256 == open_data(data).tokenizer.sha256


def test_the_run_scores_what_pack_said(copied: Path, data: Path) -> None:
    assert bg.score(copied, data, "sliding").bpb == read_json(copied / "pack.json")["bpb_before"]


def test_the_beginning_of_the_text(copied: Path, data: Path) -> None:
    whole, part = bg.score(copied, data, "standard"), bg.score(copied, data, "standard", limit_bytes=500)
    assert (part.bytes, part.tokens) == (500, 500) and part.bits < whole.bits
    assert read_json(copied / "score-standard.json")["bits"] == whole.bits, "a score of a part is not the run's"


def test_a_shorter_stride_sees_more(copied: Path, data: Path) -> None:
    fine, own, coarse = (bg.score(copied, data, "sliding", stride=stride) for stride in (1, 0, 32))
    assert own == bg.score(copied, data, "sliding", stride=8)
    assert len({fine.bits, own.bits, coarse.bits}) == 3 and fine.tokens == own.tokens == coarse.tokens


def test_how_a_model_learns_is_said_by_the_recipe_it_lies_with(copied: Path, data: Path, tmp_path: Path) -> None:
    recipe = (copied / "recipe.toml").read_text()
    (copied / "recipe.toml").write_text(re.sub(r"chunk_tokens = \d+", "chunk_tokens = 96", recipe))
    shutil.copy(copied / "artifact.bgz", tmp_path / "alone.bgz")
    sources = (copied, copied / "artifact.bgz", tmp_path / "alone.bgz")
    chunks = [(bg.score(source, data, "ttt").ttt or {})["chunk_tokens"] for source in sources]
    assert chunks == [96, 96, 32_768]
    assert bg.score(copied, data, "ttt", overrides=["ttt.chunk_tokens=64"]).ttt != bg.score(copied, data, "ttt").ttt
    assert read_json(copied / "score-ttt.json")["ttt"]["chunk_tokens"] == 96, "a score by other settings is not the run's"


# --- packing


@pytest.mark.parametrize(("budget", "reserve"), [(30_000, 0), (30_000, 7_000), (12_345, 0), (9_000, 1), (0, 0), (1_000_000, 0)])
def test_an_artifact_fills_its_budget_and_stays_below(copied: Path, tmp_path: Path, budget: int, reserve: int) -> None:
    result = bg.pack(copied, budget=budget, reserve=reserve, out=tmp_path / "a.bgz")
    limit = (budget or 30_000) - reserve
    assert result.bytes == (tmp_path / "a.bgz").stat().st_size <= limit
    assert result.bytes >= limit - max(1000, limit // 1000) or limit > 40_000, "40 kB hold all that twelve bits can say"
    assert (result.budget, result.bpb_before, result.bpb_after) == (budget or 30_000, None, None)
    assert result.bits_per_weight == 8 * result.bytes / result.parameters > result.entropy_bits_per_weight
    assert sum(result.sections.values()) == result.bytes
    before = read_json(copied / "pack.json")
    assert before["file"] != result.file, "of another file, the run's own is as it was"
    own = bg.pack(copied, budget=budget, reserve=reserve)
    assert read_json(copied / "pack.json") == json.loads(json.dumps(own.to_json()))


def test_a_large_budget_loses_nothing(copied: Path, data: Path) -> None:
    result = bg.pack(copied, budget=10_000_000, data=data)
    assert result.bpb_before is not None and result.bpb_after is not None
    assert abs(result.bpb_after - result.bpb_before) < 1e-3


def test_the_smallest_size_is_said_and_can_be_had(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the smallest possible, found 2,000") as caught:
        bg.pack(copied, budget=2_000, reserve=500)
    smallest = int(re.findall(r"at least ([\d,]+) bytes", str(caught.value))[0].replace(",", ""))
    assert bg.pack(copied, budget=smallest, reserve=500, out=tmp_path / "a.bgz").bytes == smallest - 500
    with pytest.raises(InputError, match=f"at least {smallest:,} bytes"):
        bg.pack(copied, budget=smallest - 1, reserve=500)


def test_packing_again_gives_the_same_file(copied: Path, data: Path) -> None:
    before = sha256(copied / "artifact.bgz")
    bg.pack(copied, data=data, scored=False)
    assert sha256(copied / "artifact.bgz") == before


def test_a_mistake_about_the_data_costs_no_artifact(copied: Path, tmp_path: Path) -> None:
    """The data is opened before the artifact is replaced."""
    before = sha256(copied / "artifact.bgz")
    with pytest.raises(InputError, match="expected a data folder, found nothing"):
        bg.pack(copied, budget=20_000, data=tmp_path / "none")
    assert sha256(copied / "artifact.bgz") == before


# --- nothing held out reaches training or packing


@pytest.fixture
def two_splits(tmp_path: Path) -> list[Path]:
    """The same training documents and tokenizer, and held-out documents that have nothing in common."""
    held_out, poison, training = documents(seed=2, count=4), ["Ω≈ç√∫ " * 300] * 4, documents(seed=1, count=40)
    (tmp_path / "given.model").write_bytes(train_bpe(training, 300).serialised)
    folders = []
    for name, texts in (("clean", held_out), ("poisoned", poison)):
        write_texts(tmp_path / f"{name} texts", [*texts, *training])
        prepare_text([str(tmp_path / f"{name} texts")], tmp_path / name, tokenizer=tmp_path / "given.model", val_docs=4)
        folders.append(tmp_path / name)
    return folders


def test_held_out_text_reaches_neither_weights_nor_artifact(two_splits: list[Path], tmp_path: Path) -> None:
    recipe = micro("model.vocab_size=300", "text.tokenizer=bpe", "train.validate_every=5")
    for data in two_splits:
        bg.train(recipe, data, tmp_path / f"run {data.name}")
        bg.pack(tmp_path / f"run {data.name}", budget=20_000, data=data)
    clean, poisoned = (tmp_path / f"run {data.name}" for data in two_splits)
    for name in ("weights.safetensors", "artifact.bgz", "tokenizer.model", "recipe.toml"):
        assert sha256(clean / name) == sha256(poisoned / name), name
    steps = [[event for event in untimed(root) if event["event"] == "step"] for root in (clean, poisoned)]
    assert steps[0] == steps[1]
    assert read_json(clean / "manifest.json")["val_bpb"] != read_json(poisoned / "manifest.json")["val_bpb"], "the poison was scored"


# --- resuming, as the whole flow


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes training raise KeyboardInterrupt in a step, as the second Ctrl-C does, once."""

    def arrange(step: int) -> None:
        take, stopped = Trainer.train_step, []

        def watched(self: Trainer, *arguments: object) -> float:
            if self.clock.step == step and not stopped:
                stopped.append(step)
                raise KeyboardInterrupt
            return take(self, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Trainer, "train_step", watched)

    return arrange


@pytest.mark.parametrize("step", [0, 9, 15, 29])
def test_a_run_that_was_stopped_ends_as_if_it_had_not(run: Path, data: Path, tmp_path: Path, stop_after: Callable, step: int) -> None:
    """Before the first checkpoint --resume begins anew."""
    stop_after(step)
    with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
        bg.train(micro(), data, tmp_path / "run")
    assert not (tmp_path / "run" / "manifest.json").exists()
    result = bg.train(micro(), data, tmp_path / "run", resume=True)
    assert result.steps == 30 and result.val_bpb == read_json(run / "manifest.json")["val_bpb"]
    assert sha256(tmp_path / "run" / "weights.safetensors") == sha256(run / "weights.safetensors")
    assert untimed(tmp_path / "run") == untimed(run)


def test_resuming_what_never_began(run: Path, data: Path, tmp_path: Path) -> None:
    bg.train(micro(), data, tmp_path / "run", resume=True)
    assert sha256(tmp_path / "run" / "weights.safetensors") == sha256(run / "weights.safetensors")


def test_another_recipe_does_not_resume(data: Path, tmp_path: Path, stop_after: Callable) -> None:
    stop_after(15)
    with pytest.raises(KeyboardInterrupt):
        bg.train(micro(), data, tmp_path / "run")
    with pytest.raises(InputError, match=r"expected the recipe the run began with, found .*train\.seed"):
        bg.train(micro("train.seed=2"), data, tmp_path / "run", resume=True)


@pytest.mark.parametrize("step", [5, 15])
def test_another_tokenizer_does_not_resume(two_splits: list[Path], tmp_path: Path, stop_after: Callable, step: int) -> None:
    """Before the first checkpoint too: the folder holds the tokenizer that the run began with, and pack takes it from there."""
    recipe = micro("model.vocab_size=300", "text.tokenizer=bpe")
    other = tmp_path / "other"
    prepare_text([str(tmp_path / "clean texts")], other, vocab_size=300)
    stop_after(step)
    with pytest.raises(KeyboardInterrupt):
        bg.train(recipe, two_splits[0], tmp_path / "run")
    try:
        bg.train(recipe, other, tmp_path / "run", resume=True)
    except InputError as error:
        assert "tokenizer" in str(error) or "data" in str(error)
    else:
        assert sha256(tmp_path / "run" / "tokenizer.model") == sha256(other / "tokenizer.model")


# --- reports and the quickstart


def header_cells(page: Path) -> list[str]:
    """Of the summary table, but for its empty corner."""
    return re.findall("<th>(.*?)</th>", page.read_text().split("<table>")[1].split("</tr>")[0])[1:]


def test_runs_of_one_name_stay_apart(run: Path, tmp_path: Path) -> None:
    """`a/run` and `b/run`: plotly would stack the bars of one name on each other."""
    for name in "ab":
        shutil.copytree(run, tmp_path / name / "run")
    bg.report([tmp_path / "a" / "run", tmp_path / "b" / "run"], tmp_path / "page.html")
    cells = header_cells(tmp_path / "page.html")
    assert len(cells) == len(set(cells)) == 2


def test_a_run_in_the_current_folder_has_a_name(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copied)
    bg.report([Path()], Path("page.html"))
    assert header_cells(copied / "page.html") == ["copied"]


def test_quickstart(tmp_path: Path) -> None:
    """The whole flow on a smaller corpus and recipe."""
    texts = write_texts(tmp_path / "texts", documents())
    for _ in range(2):  # the second time the run is trained anew, the data used again
        result = bg.quickstart(tmp_path / "out", recipe=micro(), sources=[str(texts)])
    folder = tmp_path / "out" / "run"
    assert result.pack.bpb_after is not None and result.pack.bytes == (folder / "artifact.bgz").stat().st_size <= 30_000
    assert result.report == str(folder / "report.html") and "xz -9e" in (folder / "report.html").read_text()
    assert len(result.compressors) >= 4 and all(0 < score.primed < score.alone < 8 for score in result.compressors)
    shown = json.loads(json.dumps(result.to_json()))
    assert {"data", "train", "pack", "compressors", "report"} <= set(shown) and shown["train"]["run"] == str(folder)
