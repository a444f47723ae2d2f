"""Code that README and docs show does what they say: commands parse, Python runs, and what stands in the examples stands there."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import typer

from bytegolf.cli.app import app
from bytegolf.config import ExpertsConfig, ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.recipes import recipe_names
from support.runs import MICRO, documents, write_texts

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "bytegolf"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def code(page: Path) -> list[str]:
    """The lines of a page's blocks of code, indented or fenced, comments aside."""
    lines, fenced = [], False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            lines.append((line if fenced else line[4:]).split("  #")[0].rstrip())
    return lines


def spans(page: Path) -> list[str]:
    """What stands in a line of text between backticks."""
    return [
        span for line in page.read_text().splitlines() if not line.startswith("    ") for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", line)
    ]


def commands() -> list[str]:
    """Every `bytegolf VERB …` that a page shows with its arguments, torchrun's share and variables in front taken off."""
    shown = {line for page in PAGES for line in (*map(str.strip, code(page)), *spans(page))}
    begun = {
        re.sub(r"^(?:[A-Z_]+=\S+ )*(?:torchrun .*-m bytegolf|(?:\S*/)?bytegolf|python -m bytegolf) ", "bytegolf ", line) for line in shown
    }
    return sorted(line for line in begun if re.match(r"bytegolf [a-z]", line) and len(shlex.split(line)) > 2)


VERBS: dict[str, click.Command] = vars(typer.main.get_command(app))["commands"]
PLACEHOLDERS = {"N": "65536", "…": "train.seed=1"}  # where a number or a setting is meant


@pytest.mark.parametrize("command", commands())
def test_a_command_parses(command: str) -> None:
    """Its verb takes these options and arguments: as a user who types it would find."""
    _, verb, *rest = shlex.split(re.sub(r"\s[|><&;].*|\$seed", "", command.replace("=$seed", "=1")))
    words = [PLACEHOLDERS.get(word, word) for word in rest]
    try:
        VERBS[verb].make_context(verb, [*words])
    except Exception as error:  # what typer raises has no public name
        if not hasattr(error, "format_message"):
            raise
        pytest.fail(f"{command}: {error.format_message()}")
    if verb in ("plan", "train", "recipes", "sweep") and words[0].islower() and not words[0].startswith("--"):
        assert words[0] in recipe_names() or words[0].endswith(".toml")


def test_there_are_commands_to_parse() -> None:
    verbs = {shlex.split(command)[1] for command in commands()}
    assert len(commands()) > 60 and set(VERBS) <= verbs


def test_every_verb_has_its_page() -> None:
    """In docs/README.md, which is the site's navigation as well."""
    listed = re.findall(r"^\| \[`(\w+)`\]\(", (ROOT / "docs" / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(VERBS)


def test_programs_that_pages_call_exist_and_take_these_options() -> None:
    called = {line for page in PAGES for line in code(page) if re.match(r"python (?:examples|benchmarks)/", line)}
    assert len(called) >= 8
    for line in called:
        program, *words = shlex.split(line)[1:]
        text = (ROOT / program).read_text()
        missing = [word for word in words if word.startswith("--") and f'"{word}"' not in text]
        assert not missing, f"{line}: {missing}"


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands, but for a smaller recipe and a smaller text."""
    page = (ROOT / "README.md").read_text()
    block = page[page.index("    from pathlib") : page.index("## What it promises")]
    program = "\n".join(line[4:] for line in block.splitlines())
    for shown, smaller in {'"tiny"': repr(str(MICRO)), '["stdlib"]': repr([str(write_texts(tmp_path / "texts", documents()))])}.items():
        assert shown in program
        program = program.replace(shown, smaller).replace('"train.max_steps=400"', '"train.max_steps=4", "model.vocab_size=300"')
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    assert 0 < float(capsys.readouterr().out) < 8


def python_of(name: str, first: str) -> str:
    """The block of a page that begins with a line of Python."""
    lines = code(ROOT / "docs" / name)
    begin = lines.index(first)
    return "\n".join(lines[begin : begin + 6])


def test_the_python_of_experts_runs() -> None:
    *both, alone = python_of("experts.md", "from bytegolf.experts.experts import Experts").strip().splitlines()[:6]
    draw = np.random.default_rng(0)
    rows, tokens = draw.integers(1, 1000, (5, 2, 30)), draw.integers(30, size=(5, 2))
    names: dict[str, Any] = {
        "config": ExpertsConfig(table_bits=6),
        "vocab_size": 30,
        "lanes": 2,
        "model_frequencies": rows[0],
        "tokens": tokens[0],
    }
    exec("\n".join(both), names)
    assert (names["frequencies"].sum(-1) == 1 << 30).all()
    exec(alone, names | {"model_frequencies": rows[1:], "tokens": tokens[1:]})


def test_the_python_of_scoring_runs() -> None:
    import torch

    model = GPT(ModelConfig(vocab_size=20, num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1)).eval()
    names: dict[str, Any] = {"model": model, "tokens": torch.ones(3, 5, dtype=torch.int64)}
    with torch.inference_mode():
        exec("\n".join(python_of("scoring.md", "from bytegolf.model.stream import Stream").splitlines()[:4]), names)
    assert names["logits"].shape == (3, 5, 20)


def test_what_the_extensions_show_stands_in_the_examples() -> None:
    text = (ROOT / "docs" / "how-to-extend.md").read_text()
    blocks = [block for block in re.split(r"\n(?=\S)", text) if re.search(r"^    (?:class |def |[A-Z0-9]+ = )", block, re.MULTILINE)]
    shown = [line.strip() for block in blocks for line in block.splitlines() if line.startswith("    ")]
    programs = "\n".join(path.read_text() for path in (ROOT / "examples").glob("new_*.py"))
    examples = {re.sub(r"  #.*", "", line).strip() for line in programs.splitlines()}
    assert len(blocks) == 4 and not [line for line in shown if line and line not in examples]


def test_the_switch_is_traced_through_all_of_its_files() -> None:
    """The table of how-to-extend.md names every module that knows of `smear_gate`, and no other."""
    listed = re.findall(r"^\| `([a-z_/]+\.py)` \|", (ROOT / "docs" / "how-to-extend.md").read_text(), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if "smear" in path.read_text().lower())
