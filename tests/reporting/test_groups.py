"""Runs of one configuration stand together."""

from bytegolf.reporting.groups import coloured, differences, grouped
from support.reports import MANIFEST, a_run

SLOW, FAST = "optim.matrix_lr=0.01", "optim.matrix_lr=0.03"


def test_seeds_of_one_configuration_are_a_group() -> None:
    runs = [a_run("a", SLOW), a_run("b", FAST), a_run("c", SLOW, "train.seed=2"), a_run("d", FAST, "train.seed=2")]
    groups = grouped(runs)
    assert [(group.number, group.name, [run.name for run in group.runs]) for group in groups] == [
        (0, "matrix_lr 0.01", ["a", "c"]),
        (1, "matrix_lr 0.03", ["b", "d"]),
    ]
    assert differences(runs) == {"optim.matrix_lr": [0.01, 0.03, 0.01, 0.03], "train.seed": [1, 1, 2, 2]}


def test_single_runs_keep_their_names() -> None:
    assert [group.name for group in grouped([a_run("a", SLOW), a_run("b", FAST)])] == ["a", "b"]


def test_one_group_is_called_by_its_runs() -> None:
    assert [group.name for group in grouped([a_run("a"), a_run("b", "train.seed=2")])] == ["a and 1 more"]


def test_other_data_is_another_group() -> None:
    assert len(grouped([a_run("a"), a_run("b", manifest={**MANIFEST, "data_sha256": "0" * 64})])) == 2


def test_a_run_that_has_not_ended_belongs_to_its_recipe() -> None:
    assert len(grouped([a_run("a"), a_run("b", manifest=None)])) == 1


def test_colours_are_of_configurations_or_of_the_runs_of_the_only_one() -> None:
    one = [a_run("a"), a_run("b", "train.seed=2")]
    assert [colour for _, colour in coloured(grouped(one))] == [0, 1]
    assert [(run.name, colour) for run, colour in coloured(grouped([*one, a_run("c", FAST)]))] == [("a", 0), ("b", 0), ("c", 1)]
