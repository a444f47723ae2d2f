"""Where the bytes go."""

from bytegolf.reporting.sections.size import size_section
from support.reports import ParsedPage, a_run


def test_one_map_for_each_of_two_artifacts_and_the_best_of_more() -> None:
    runs = [a_run(name) for name in "abc"]
    assert len(ParsedPage(size_section(runs[:2])).having("treemap")) == 2
    page = ParsedPage(size_section(runs))
    assert len(page.having("treemap")) == 1 and "best of 3 artifacts" in page.text["p"]
    assert page.text["th"].count("in all") == 0 and page.text["td"].count("in all") == 3


def test_no_artifact_no_map() -> None:
    assert size_section([a_run(pack=None)]) == ""
