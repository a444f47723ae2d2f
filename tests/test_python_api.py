"""`import bytegolf as bg` offers the flow as functions, whatever else was imported before."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import bytegolf
from support.runs import MICRO, documents, environment, write_texts

OFFERED = {
    "InputError",
    "load_artifact",
    "load_model",
    "load_recipe",
    "pack",
    "plan",
    "prepare",
    "prove",
    "quickstart",
    "report",
    "score",
    "train",
}


def python(code: str, folder: Path) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_offered() -> None:
    assert set(bytegolf.__all__) >= OFFERED


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_every_name_is_something_to_call(name: str) -> None:
    """The rooms `train`, `pack`, `score` and `report` have the names of functions: importing one must not hide the function."""
    import bytegolf.flow
    import bytegolf.reporting.page
    import bytegolf.scoring.protocols
    import bytegolf.training.loop

    assert bytegolf.training.loop.Trainer and bytegolf.scoring.protocols.score_tokens and bytegolf.reporting.page.write_report
    assert callable(getattr(bytegolf, name))


def test_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'trane'"):
        _ = bytegolf.trane


def test_the_docstrings_flow(tmp_path: Path) -> None:
    """As it stands there, but on less text and with a smaller recipe."""
    assert bytegolf.__doc__ is not None
    code = textwrap.dedent(bytegolf.__doc__.partition(":\n\n")[2])
    recipe = (tmp_path / "micro.toml").name
    (tmp_path / recipe).write_text(MICRO.read_text().replace("vocab_size = 260", "vocab_size = 300").replace('"bytes"', '"bpe"'))
    write_texts(tmp_path / "texts", documents())
    for written, smaller in (('"tiny"', f'"{recipe}"'), ('"stdlib"', '"texts"'), ("1_000_000", "30_000")):
        assert code.count(written) == 1
        code = code.replace(written, smaller)
    *lines, last = code.strip().splitlines()
    assert last.endswith(".bpb")
    printed = python("\n".join(["from pathlib import Path", *lines, f"print({last})"]), tmp_path)
    assert 1 < float(printed) < 8
    assert (tmp_path / "run" / "artifact.bgz").stat().st_size <= 30_000


def test_importing_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = ["torch", "numpy", "sentencepiece", "pydantic", "plotly", "safetensors"]
    assert python(f"import sys, bytegolf; print([name for name in {heavy} if name in sys.modules])", tmp_path).strip() == "[]"


def test_the_flow_needs_neither_plotly_nor_other_compressors(tmp_path: Path) -> None:
    """A machine that has torch can train, pack and score with what it has."""
    code = "import sys\nfor name in ('plotly', 'brotli', 'pyppmd'): sys.modules[name] = None\nimport bytegolf.flow, bytegolf.cli.tables"
    assert python(code, tmp_path) == ""
