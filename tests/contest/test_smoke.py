"""The import of a script stays in the sandbox."""

from pathlib import Path

import pytest

from bytegolf.contest.smoke import smoke_test
from bytegolf.sandbox import sandbox_available

pytestmark = pytest.mark.skipif(not sandbox_available(), reason="this system has no sandbox")


def smoke(folder: Path, text: str) -> tuple[str, tuple[str, ...]]:
    (folder / "train_gpt.py").write_text(text)
    result = smoke_test(folder / "train_gpt.py")
    return result.problem, result.stand_ins


def test_missing_kernels_are_stood_in_for(tmp_path: Path) -> None:
    text = "from flash_attn_interface import flash_attn_func as f\nimport no_such_kernel.jit as jit\n"
    text += "@jit.compile\ndef g(): pass\nx = f(1, 2)\n"
    assert smoke(tmp_path, text) == ("", ("flash_attn_interface", "no_such_kernel"))


def test_settings_are_told(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text("class Hyperparameters:\n    num_layers = 9\n")
    assert smoke_test(tmp_path / "train_gpt.py").settings == {"num_layers": 9}


def test_a_hostile_script_reaches_nothing(tmp_path: Path) -> None:
    target = tmp_path / "written"
    problem, _ = smoke(tmp_path, f"open({str(target)!r}, 'w').write('x')\n")
    assert "Error" in problem and not target.exists()
    problem, _ = smoke(tmp_path, "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)\n")
    assert "OSError" in problem
    problem, _ = smoke(tmp_path, "import os\nos._exit(3)\n")
    assert problem == "ended with status 3"
