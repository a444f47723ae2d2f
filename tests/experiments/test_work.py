"""A cell's commands, as a shell takes them."""

import shlex
from pathlib import Path

from bytegolf.experiments.measure import Measure
from bytegolf.experiments.work import Work

DATA = ("--data", "my data")


def test_commands_for_a_shell() -> None:
    work = Work("a", Path("/s/cells/a"), Path("/s/logs/a.log"), ("/s/recipe.toml", "--set", "train.seed=1"), DATA, Measure(None, True), 3)
    threads, train, pack = (shlex.split(command) for command in work.commands().split(" && "))
    assert threads == ["export", "OMP_NUM_THREADS=3", "NUMBA_NUM_THREADS=3"]
    assert train == shlex.split("bytegolf train /s/recipe.toml --set train.seed=1 --data 'my data' --out /s/cells/a --resume")
    assert pack == shlex.split("bytegolf pack /s/cells/a --data 'my data'")
    assert "export" not in Work(**{**vars(work), "threads": 0}).commands()
