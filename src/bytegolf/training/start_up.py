"""Timing how long the command `bytegolf train` takes until it trains."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bytegolf.config import Recipe, TextConfig
from bytegolf.recipes import recipe_toml
from bytegolf.text.prepare import prepare_text

TEXT = "a few words, and a few more of them\n" * 5_000
FIRST_LINE = "train: 0"  # of the progress, before the first step


def start_up_seconds(recipe: Recipe, text: str = TEXT) -> float:
    """Return the seconds from the command to its first step, without compilation, in a process of its own on a few copies of `text`.

    Raises RuntimeError with the command's last line if it does not begin to train.
    """
    with _train_command(recipe, text) as command:
        began = time.perf_counter()
        with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", errors="replace") as process:
            assert process.stderr is not None
            line = ""
            for line in process.stderr:
                if line.startswith(FIRST_LINE):
                    seconds = time.perf_counter() - began
                    process.kill()
                    return seconds
    raise RuntimeError(f"the run did not begin: {line.strip()}")


@contextmanager
def _train_command(recipe: Recipe, text: str) -> Iterator[list[str]]:
    """Prepare a small data folder of bytes, and yield the command that trains `recipe` on it."""
    values = recipe.model_dump()
    values["model"]["vocab_size"], values["train"]["compile"] = 260, False
    with tempfile.TemporaryDirectory() as name:
        texts, data, file = Path(name, "texts"), Path(name, "data"), Path(name, "recipe.toml")
        texts.mkdir()
        for index in range(4):
            (texts / f"{index}.txt").write_text(f"{index} {text}", "utf-8")
        prepare_text([str(texts)], data, text=TextConfig(tokenizer="bytes"), val_docs=1)
        file.write_text(recipe_toml(Recipe.model_validate(values)), "utf-8")
        yield [sys.executable, "-m", "bytegolf", "train", str(file), "--data", str(data), "--out", str(Path(name, "run"))]
