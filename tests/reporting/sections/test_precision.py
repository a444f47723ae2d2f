"""Errors of parameters, the largest first."""

from bytegolf.reporting.groups import grouped
from bytegolf.reporting.sections.precision import precision_section
from bytegolf.storage.run_records import TensorRecord
from support.reports import ParsedPage, a_pack, a_run


def test_errors_are_shares_of_the_weights() -> None:
    """`banks.up` moved by 0.005 of 0.5, its matrices by 0.004 and 0.006; `tokens` did not move."""
    page = ParsedPage(precision_section(grouped([a_run()])))
    assert [dot["data-tip"] for dot in page.having("dot")] == [
        "run-1, banks.up, matrix 0: 0.8 %",
        "run-1, banks.up, matrix 1: 1.2 %",
        "run-1, banks.up: 1 %",
    ]
    assert "Not changed: tokens." in page.text["p"] and page.having("rowname")[0] and "tokens" in page.text["td"]


def test_a_run_of_each_configuration() -> None:
    other = a_pack(tensors={"tokens": TensorRecord(weights=9, rms=1.0, error=0.5, matrices=[0.5])})
    runs = [a_run("a"), a_run("a2", "train.seed=2"), a_run("b", "optim.matrix_lr=0.01", pack=other)]
    page = ParsedPage(precision_section(grouped(runs)))
    assert page.text["li"].split() == ["a", "b"] and "2 of 3 runs are drawn" in page.text["p"]
    assert "tokens" in page.text["span"].split() and "50 %" in page.text["td"]


def test_weights_that_are_all_zero() -> None:
    zero = a_pack(tensors={"head": TensorRecord(weights=9, rms=0.0, error=0.0, matrices=[0.0])})
    page = ParsedPage(precision_section(grouped([a_run(pack=zero)])))
    assert "Not changed: head." in page.text["p"] and not page.having("dot")


def test_no_record_no_section() -> None:
    assert precision_section(grouped([a_run(pack=a_pack(tensors={}))])) == ""
