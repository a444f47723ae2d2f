"""Models that lie in runs, in artifacts beside them, and in artifacts alone."""

import re
import shutil
from pathlib import Path

import bytegolf as bg
from bytegolf.text.dataset import open_data
from support.records import read_json


def test_the_artifact_alone_scores_what_pack_said(run: Path, data: Path, tmp_path: Path) -> None:
    """Nothing but the file is needed, and nothing is written beside it."""
    shutil.copy(run / "artifact.bgz", tmp_path / "alone.bgz")
    packed, beside = read_json(run / "pack.json"), bg.score(run / "artifact.bgz", data, "sliding")
    alone = bg.score(tmp_path / "alone.bgz", data, "sliding")
    assert alone == beside and alone.bpb == packed["bpb_after"]
    assert [path.name for path in tmp_path.iterdir()] == ["alone.bgz"]
    assert bg.load_artifact(tmp_path / "alone.bgz").tokenizer.sha256 == open_data(data).tokenizer.sha256


def test_how_a_model_learns_is_said_by_the_recipe_it_lies_with(copied: Path, data: Path, tmp_path: Path) -> None:
    recipe = (copied / "recipe.toml").read_text()
    (copied / "recipe.toml").write_text(re.sub(r"chunk_tokens = \d+", "chunk_tokens = 96", recipe))
    shutil.copy(copied / "artifact.bgz", tmp_path / "alone.bgz")
    sources = (copied, copied / "artifact.bgz", tmp_path / "alone.bgz")
    chunks = [(bg.score(source, data, "ttt").learning or {})["ttt.chunk_tokens"] for source in sources]
    assert chunks == [96, 96, 32_768]
    assert bg.score(copied, data, "ttt", overrides=["ttt.chunk_tokens=64"]).learning != bg.score(copied, data, "ttt").learning
    assert read_json(copied / "score-ttt.json")["learning"]["ttt.chunk_tokens"] == 96, "a score by other settings is not the run's"
