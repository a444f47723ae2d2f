"""Text by runs and artifacts, as the package offers it."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bytegolf as bg
from support.runs import environment


def test_an_artifact_alone_generates(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "artifact.bgz", tmp_path / "alone.bgz")
    made = bg.generate(tmp_path / "alone.bgz", "abc", seed=5, max_tokens=30)
    assert "".join(piece.text for piece in made) == made.text != ""
    assert [path.name for path in tmp_path.iterdir()] == ["alone.bgz"]


def test_a_run_generates_by_its_own_weights(run: Path) -> None:
    """It has learned words of the letters a to j, and nothing else."""
    text = bg.generate(run, "ab", seed=1, max_tokens=200).to_json()["text"]
    assert isinstance(text, str) and sum(letter in "abcdefghij \n" for letter in text) > 150


def test_without_a_seed_one_is_drawn_and_told(run: Path) -> None:
    first, second = (bg.generate(run / "artifact.bgz", max_tokens=20, stop=False) for _ in range(2))
    assert first.seed != second.seed
    again = bg.generate(run / "artifact.bgz", max_tokens=20, stop=False, seed=first.seed)
    assert [piece.token for piece in again] == [piece.token for piece in first]


def test_artifacts_need_no_torch(run: Path, tmp_path: Path) -> None:
    code = f"import bytegolf as bg, pathlib, sys; bg.generate(pathlib.Path({str(run / 'artifact.bgz')!r}), max_tokens=2).to_json()"
    code += "; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": -1.0}, ("temperature", "from 0 up", "-1.0")),
        ({"top_k": -1}, ("top_k", "-1")),
        ({"top_p": 0.0}, ("top_p", "above 0 and up to 1", "0.0")),
        ({"max_tokens": 0}, ("max_tokens", "from 1 up", "found 0")),
        ({"seed": -1}, ("seed", "-1")),
        ({"prompt": "\udcff"}, ("prompt", "UTF-8", "character 0")),
    ],
)
def test_refuses_what_is_out_of_range(run: Path, options: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(bg.InputError) as refused:
        bg.generate(run / "artifact.bgz", **options)
    assert all(word in str(refused.value) for word in words), refused.value
