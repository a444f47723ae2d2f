"""A folder with everything good and bad that a user may name."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from bytegolf.config import TextConfig
from bytegolf.text.prepare import prepare_text
from bytegolf.text.shards import MAGIC
from support.corpora import write_jsonl, write_texts
from support.runs import MICRO, documents


def overwrite(path: Path, position: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position, os.SEEK_END if position < 0 else os.SEEK_SET)
        file.write(data)


DAMAGED_RUNS: dict[str, Callable[[Path], object]] = {
    "no-weights": lambda run: (run / "weights.safetensors").unlink(),
    "cut-weights": lambda run: os.truncate(run / "weights.safetensors", 3000),
    "no-tokenizer": lambda run: (run / "bytes").unlink(),
    "damaged-tokenizer": lambda run: (run / "bytes").write_text("words"),
    "no-recipe": lambda run: (run / "recipe.toml").unlink(),
    "damaged-recipe": lambda run: (run / "recipe.toml").write_text("[model\n"),
    "another-recipe": lambda run: (run / "recipe.toml").write_text(
        (run / "recipe.toml").read_text().replace("model_dim = 32", "model_dim = 64")
    ),
    "no-json": lambda run: (run / "manifest.json").write_text("{"),
    "a-list": lambda run: (run / "manifest.json").write_text("[]"),
    "no-keys": lambda run: (run / "manifest.json").write_text("{}"),
    "damaged-log": lambda run: (run / "log.jsonl").write_text('{"event": "st'),
    "no-log": lambda run: (run / "log.jsonl").unlink(),
    "damaged-score": lambda run: (run / "score-sliding.json").write_text("{"),
}


def make_world(root: Path, data: Path, run: Path) -> Path:
    """Fill `root` with what is good, made of a data folder and a finished run, and with everything that may be wrong with it."""
    shutil.copytree(data, root / "data")
    shutil.copytree(run, root / "run", ignore=shutil.ignore_patterns("report.html"))
    shutil.copy(MICRO, root / "micro.toml")
    (root / "wrong.toml").write_text("[model\n")
    write_texts(root / "texts", documents(count=30))
    write_jsonl(root / "texts.json", documents(count=30))
    prepare_text([str(root / "texts")], root / "other", vocab_size=300, val_docs=3)
    prepare_text([str(root / "texts")], root / "other-bytes", text=TextConfig(tokenizer="bytes"), val_docs=3)

    (root / "empty").mkdir()
    (root / "file").write_text("a file in the way\n")
    (root / "folder").mkdir()
    (root / "folder" / "note").write_text("a folder in the way\n")
    (root / "latin.txt").write_bytes("café\n".encode("latin-1") * 100)

    for name, split in (("cut-train", "train"), ("cut-val", "val")):
        shard = shutil.copytree(root / "data", root / name) / f"{split}_000000.bin"
        os.truncate(shard, shard.stat().st_size - 100)
    foreign = shutil.copytree(root / "data", root / "foreign")
    for split in ("train", "val"):
        overwrite(foreign / f"{split}_000000.bin", 0, (MAGIC + 1).to_bytes(4, "little"))
    (shutil.copytree(root / "data", root / "damaged-data") / "manifest.json").write_text("{}")

    unfinished = shutil.copytree(root / "run", root / "unfinished")
    for name in ("manifest.json", "weights.safetensors", "artifact.bgz", "pack.json", "score-sliding.json"):
        (unfinished / name).unlink()

    artifact = (root / "run" / "artifact.bgz").read_bytes()
    middle = len(artifact) // 2
    (root / "flipped.bgz").write_bytes(artifact[:middle] + bytes([artifact[middle] ^ 1]) + artifact[middle + 1 :])
    (root / "cut.bgz").write_bytes(artifact[:-100])
    (root / "padded.bgz").write_bytes(artifact + b"\0")
    (root / "empty.bgz").touch()
    (root / "newer.bgz").write_bytes(artifact[:3] + bytes([200]) + artifact[4:])

    for name, damage in DAMAGED_RUNS.items():
        damage(shutil.copytree(root / "run", root / name))
    return root
