"""`import bytegolf as bg` offers the flow as functions, whatever else was imported before."""

import inspect
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import bytegolf
from bytegolf import api
from bytegolf.cli.app import VERBS as VERBS_IN_GROUPS
from support.runs import MICRO, documents, environment, write_texts

VERBS = {verb.name or verb.function.__name__: verb for verbs in VERBS_IN_GROUPS.values() for verb in verbs}
FUNCTIONS = {"import": "import_checkpoint", "recipes": "load_recipe"}  # verbs whose function has another name


def python(code: str, folder: Path) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_offered_is_what_the_api_holds() -> None:
    held = {name for name in vars(api) if not name.startswith("_")}
    assert sorted(bytegolf.__all__) == bytegolf.__all__ == sorted(held) == dir(bytegolf)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_its_function(verb: str) -> None:
    function = getattr(bytegolf, FUNCTIONS.get(verb, verb))
    assert inspect.isfunction(function) and function.__doc__


@pytest.mark.parametrize("name", [name for name in bytegolf.__all__ if name[0].islower()])
def test_a_signature_says_what_a_function_takes_and_gives(name: str) -> None:
    signature = inspect.signature(getattr(bytegolf, name))
    assert signature.return_annotation is not signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def test_a_module_does_not_hide_a_function() -> None:
    """Modules of `flow` have the names of functions: importing one must not take the function's place."""
    import bytegolf.flow.score
    import bytegolf.flow.train

    assert inspect.ismodule(bytegolf.flow.train) and inspect.isfunction(bytegolf.train) and inspect.isfunction(bytegolf.score)


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
    heavy = ["torch", "numpy", "sentencepiece", "pydantic", "scipy", "safetensors"]
    assert python(f"import sys, bytegolf; print([name for name in {heavy} if name in sys.modules])", tmp_path).strip() == "[]"


def test_the_flow_needs_neither_statistics_nor_other_compressors(tmp_path: Path) -> None:
    """A machine that has torch can train, pack and score with what it has."""
    missing = ("brotli", "pyppmd", "scipy", "datasketch")
    code = f"import sys\nfor name in {missing}: sys.modules[name] = None\nimport bytegolf.api, bytegolf.cli.tables"
    assert python(code, tmp_path) == ""
