"""Nothing held out reaches training or packing."""

from pathlib import Path

import bytegolf as bg
from support.records import read_json
from support.runs import micro, sha256, untimed


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
