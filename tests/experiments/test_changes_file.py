"""Sweeps whose rows are named in a file."""

import re
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.experiments.grid import cells_of, grid_of
from support.runs import micro

CHANGES = """
["as it is"]
[faster]
optim = {matrix_lr = 0.5, momentum = 0.9}
["faster, then longer"]
train.max_steps = 9
train.init = "uniform"
"""


@pytest.mark.parametrize("ladder", [False, True])
def test_rows_of_a_file(tmp_path: Path, ladder: bool) -> None:
    file = tmp_path / "changes.toml"
    file.write_text(f"ladder = {str(ladder).lower()}\n{CHANGES}")
    found = grid_of(micro(), [str(file)])
    assert found.ladder is ladder
    assert [row.name for row in found.rows] == ["as it is", "faster", "faster, then longer"]
    base, faster, last = (row.recipe for row in found.rows)
    assert base == micro() and (faster.optim.matrix_lr, faster.optim.momentum) == (0.5, 0.9)
    assert (last.train.max_steps, last.train.init) == (9, "uniform")
    assert last.optim.matrix_lr == (0.5 if ladder else base.optim.matrix_lr)


def test_a_row_that_is_changed_has_runs_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "changes.toml"
    names = []
    for rate in (0.1, 0.2):
        file.write_text(f"[faster]\noptim.matrix_lr = {rate}")
        (cell,) = cells_of(grid_of(micro(), [str(file)]).rows, [1])
        assert re.fullmatch(r"faster-[0-9a-f]{8}\+seed=1", cell.name)
        names.append(cell.name)
    assert len(set(names)) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected a table of changes for each row, found none"),
        ("ladder = 1\n[a]", "expected ladder = true or false, found 1"),
        ("a = 1", 'expected ["a"] to hold lines such as optim.matrix_lr = 0.03, found 1'),
        ("[a]\nmatrix_lr = 1", "found matrix_lr = 1"),
        ("[a", "expected TOML, found"),
        ("[a]\n[b]", "found a and b to be the same"),
        ("[a]\ntrain.seed = 3", "expected another key than train.seed"),
        ("[a]\noptim.matrx_lr = 3", "unknown key optim.matrx_lr; did you mean matrix_lr?"),
        ("[a]\noptim.matrix_lr = [1, 2]", "optim.matrix_lr: Input should be a valid number"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "changes.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(problem)):
        grid_of(micro(), [str(file)])


def test_a_file_stands_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "changes.toml"
    with pytest.raises(InputError, match="No such file"):
        grid_of(micro(), [str(file)])
    with pytest.raises(InputError, match="by itself, found 2 grids"):
        grid_of(micro(), [str(file), "optim.matrix_lr=1,2"])
