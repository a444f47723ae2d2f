"""`pack --method --coder`: what each leaves, and what it asks for."""

import json
import shutil
from pathlib import Path
from typing import get_args

import pytest

import bytegolf as bg
from bytegolf.errors import InputError, ParameterError
from bytegolf.names import CoderName, MethodName
from bytegolf.recipes import load_recipe, recipe_toml
from support.artifacts import header_of
from support.records import read_json
from support.runs import finished, micro

CODERS: tuple[CoderName, ...] = get_args(CoderName)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """Finished, to be changed."""
    return shutil.copytree(finished(tmp_path_factory), tmp_path / "run")


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("method", get_args(MethodName))
def test_every_way_to_pack(run: Path, data: Path, method: MethodName, coder: CoderName) -> None:
    """Under the budget, close to it where the method can choose, and what comes out scores as it was said to."""
    budget = 60_000 if method == "baseline" else 22_000
    result = bg.pack(run, budget=budget, method=method, coder=coder, data=data)
    assert (result.method, result.coder) == (method, coder)
    assert read_json(run / "pack.json") == json.loads(json.dumps(result.to_json()))
    assert sum(result.sections.values()) == result.bytes == (run / "artifact.bgz").stat().st_size <= budget
    assert method == "baseline" or result.bytes > budget - 1000
    artifact = bg.load_artifact(run / "artifact.bgz")
    assert artifact.coder == coder
    assert bg.score(run / "artifact.bgz", data, "sliding").bpb == result.bpb_after
    assert result.bpb_before is not None and result.bpb_after is not None
    assert abs(result.bpb_after - result.bpb_before) < 0.1


def test_the_recipes_own_way_unless_another_is_given(run: Path) -> None:
    recipe = micro("pack.method=baseline", "pack.coder=zlib", "pack.budget=70000")
    (run / "recipe.toml").write_text(recipe_toml(recipe))
    result = bg.pack(run)
    assert (result.method, result.coder, result.budget) == ("baseline", "zlib", 70_000)
    result = bg.pack(run, budget=20_000, method="rate", coder="range")
    assert (result.method, result.coder, result.budget) == ("rate", "range", 20_000)


def test_gptq_needs_text(run: Path) -> None:
    before = (run / "artifact.bgz").read_bytes()
    with pytest.raises(ParameterError, match=r"^data: expected a data folder, whose training text .* gptq learns from, found none"):
        bg.pack(run, method="gptq")
    assert (run / "artifact.bgz").read_bytes() == before


def test_gptq_reads_training_text_alone(run: Path, data: Path, tmp_path: Path) -> None:
    """Of folders that differ in what is held out it makes the same file, and not of others."""
    reordered = shutil.copytree(data, tmp_path / "reordered")
    val = bytearray((reordered / "val_000000.bin").read_bytes())
    tokens = val[1024:]
    val[1024:] = b"".join(tokens[i : i + 2] for i in range(len(tokens) - 2, -2, -2))
    (reordered / "val_000000.bin").write_bytes(bytes(val))
    files = []
    for folder in (data, reordered):
        bg.pack(run, budget=20_000, method="gptq", data=folder, out=tmp_path / "a.bgz")
        files.append((tmp_path / "a.bgz").read_bytes())
    assert files[0] == files[1]
    plain = bg.pack(run, budget=20_000, data=data, out=tmp_path / "a.bgz")
    assert plain.method == "rate" and (tmp_path / "a.bgz").read_bytes() != files[0]


def test_fixed_widths_over_the_budget(run: Path) -> None:
    """The size they come to is said, can be had, and nothing larger is ever written."""
    before = (run / "artifact.bgz").read_bytes()
    size = bg.pack(run, budget=10**6, method="baseline", out=run / "other.bgz").bytes
    expected = rf"^budget: expected at least {size + 7:,} bytes, the size of method baseline's fixed bits, found {size + 6:,}"
    with pytest.raises(ParameterError, match=expected):
        bg.pack(run, budget=size + 6, reserve=7, method="baseline")
    assert (run / "artifact.bgz").read_bytes() == before
    assert bg.pack(run, budget=size + 7, reserve=7, method="baseline").bytes == size


@pytest.mark.parametrize(("options", "expected"), [({"method": "trellis"}, "pack.method"), ({"coder": "brotli"}, "pack.coder")])
def test_unknown_ways(run: Path, options: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        bg.pack(run, **options)  # type: ignore[arg-type]


def test_defaults(run: Path) -> None:
    recipe = load_recipe("tiny")
    assert (recipe.pack.method, recipe.pack.coder, recipe.pack.mlp_int, recipe.pack.attention_int) == ("rate", "range", 5, 6)
    assert header_of((run / "artifact.bgz").read_bytes())["weights"] == {"kind": "trellis"}
