"""What bytes buy."""

import json
import re

from bytegolf.reporting.groups import grouped
from bytegolf.reporting.sections.budget import budget_section
from support.reports import EVENTS, ParsedPage, a_pack, a_run


def test_bits_over_sizes_that_were_packed_and_scored() -> None:
    """Unscored artifacts have no place; one that is recorded twice has one dot."""
    small, unscored = a_pack(bytes=500_000, budget=500_000, bpb_after=1.5, bpb_experts=1.2), a_pack(bytes=7, budget=7, bpb_after=None)
    section = budget_section(grouped([a_run(packs=[small, unscored, a_pack()])]))
    alone, mixed = (json.loads(found)["lines"][0] for found in re.findall(r'json">(.*?)</script>', section))
    assert alone["y"] == ["1.5", "1.222"] and mixed["y"] == ["1.2", "0.9877"] and mixed["px"] == [0, 1000]
    assert "before packing" in ParsedPage(section).text["span"]


def test_one_size_is_foreseen_over_the_steps_instead() -> None:
    page = ParsedPage(budget_section(grouped([a_run()])))
    assert "950,000" in page.text["td"] and "budget" in page.text["span"] and "bytegolf pack run-1 --budget BYTES" in page.text["code"]


def test_one_size_and_one_validation_are_nothing_to_draw() -> None:
    page = ParsedPage(budget_section(grouped([a_run(events=EVENTS[3:])])))
    assert not page.having("plot") and "bytegolf pack run-1" in page.text["code"]
    assert budget_section(grouped([a_run(events=[], pack=None)])) == ""


def test_without_experts_there_is_one_chart() -> None:
    packs = [a_pack(bytes=size, budget=size, bpb_experts=None) for size in (5, 6)]
    page = ParsedPage(budget_section(grouped([a_run(pack=None, packs=packs)])))
    assert len(page.having("plot")) == 1 and not page.having("choice")
