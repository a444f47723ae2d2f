"""Every combination once, under a name that is its own."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.experiments.grid import GridAxis, cells_of, grid_of, parse_axis
from support.runs import micro

KEYS: dict[str, list[float]] = {
    "optim.matrix_lr": [0.01, 0.02, 0.04, 0.3],
    "train.max_steps": [1, 2, 3],
    "average.ema_decay": [0.0, 0.5, 0.9],
}
AXES = st.lists(
    st.sampled_from(list(KEYS)).flatmap(lambda key: st.tuples(st.just(key), st.lists(st.sampled_from(KEYS[key]), min_size=1, unique=True))),
    unique_by=lambda axis: axis[0],
    max_size=3,
)


@settings(max_examples=40, deadline=None)
@given(axes=AXES, seeds=st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
def test_every_combination_once(axes: list[tuple[str, list[float]]], seeds: list[int]) -> None:
    cells = cells_of(grid_of(micro(), [f"{key}={','.join(map(str, values))}" for key, values in axes]).rows, seeds)
    wanted = [(*values, seed) for seed in seeds for values in product(*(values for _, values in axes))]
    found = []
    for cell in cells:
        recipe = cell.configuration.recipe.model_dump()
        found.append((*(recipe[key.split(".")[0]][key.split(".")[1]] for key, _ in axes), cell.seed))
        assert cell.overrides[-1] == f"train.seed={cell.seed}"
    assert found == wanted
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        assert re.fullmatch(r"[\w.=+-]{1,200}", cell.name)


@given(st.lists(st.text("abc ,/$'é=0.\x07\n", min_size=1, max_size=400), min_size=2, max_size=2, unique=True))
def test_names_of_any_values_are_plain_and_differ(values: list[str]) -> None:
    names = set()
    for value in values:
        (configuration,) = grid_of(micro(), []).rows
        cell = cells_of([type(configuration)((f"train.wandb={value}",), configuration.recipe)], [1])[0]
        assert re.fullmatch(r"[\w.=+-]{1,200}", cell.name, flags=re.ASCII)
        names.add(cell.name)
    assert len(names) == 2


def test_an_axis() -> None:
    assert parse_axis(" optim.matrix_lr = 0.1, 1e-2 ") == GridAxis("optim.matrix_lr", ("0.1", "1e-2"))


@pytest.mark.parametrize(
    ("grid", "problem"),
    [
        (["optim.matrix_lr"], "grid: expected section.key=value,value, found 'optim.matrix_lr'"),
        (["optim.matrix_lr="], "expected section.key=value,value"),
        (["optim.matrix_lr=1,,2"], "expected section.key=value,value"),
        (["matrix_lr=1"], "expected section.key=value,value"),
        (["train.seed=1,2"], "expected another key than train.seed"),
        (["optim.matrix_lr=1", "optim.matrix_lr=2"], "found optim.matrix_lr twice"),
        (["optim.matrix_lr=0.1,0.10"], "found optim.matrix_lr=0.1 and optim.matrix_lr=0.10 to be the same"),
        (["optim.matrx_lr=1,2"], "unknown key optim.matrx_lr; did you mean matrix_lr?"),
        (["optim.matrix_lr=fast"], "optim.matrix_lr: Input should be a valid number"),
    ],
)
def test_grids_that_are_none(grid: list[str], problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        grid_of(micro(), grid)


@pytest.mark.parametrize(("seeds", "problem"), [([], "at least one seed"), ([1, 2, 1], "found 1 twice"), ([-1], "at least 0, found -1")])
def test_seeds_that_are_none(seeds: list[int], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        cells_of(grid_of(micro(), []).rows, seeds)
