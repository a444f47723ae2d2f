"""The tutorial, followed to the letter in an empty folder, ends where it says."""

import json
from pathlib import Path

import pytest

from bytegolf.sandbox import sandbox_available
from support.tutorial import PAGE, STEP, follow, with_seen, without_figures


def test_what_is_seen_stands_under_the_commands_that_printed_it() -> None:
    page = "# A\n```sh\nls\n```\n\n```text\nold\n```\n\n```sh\ncd x\n```\n\nB\n"
    assert with_seen(page, ["\n  a 1 \n", "unseen"]) == "# A\n```sh\nls\n```\n\n```text\n  a 1\n```\n\n```sh\ncd x\n```\n\nB\n"


def test_figures_may_differ_and_words_may_not() -> None:
    assert without_figures("  size   499,969 bytes of 500,000\n ─────\n") == without_figures("size 9 bytes of 500\n──\n")
    assert without_figures("verdict ok") != without_figures("verdict bad")


def test_a_command_that_fails_ends_the_tutorial(tmp_path: Path) -> None:
    (folder := tmp_path / "golf").mkdir()
    assert follow(folder, '```sh\ncd /\necho a; echo b >&2\n```\n\n```sh title="x"\nfalse\n```\n\n```sh\npwd\n```\n') == ["a\n", "/\n"]
    with pytest.raises(Exception, match="non-zero exit status 3"):
        follow(folder, "```sh\n(exit 3)\n```\n\n```sh\ntrue\n```\n")


@pytest.mark.slow
@pytest.mark.skipif(not sandbox_available(), reason="the tutorial proves in a sandbox, and this system offers none")
def test_the_tutorial_ends_where_it_says(tmp_path: Path) -> None:
    (folder := tmp_path / "golf").mkdir()
    page = PAGE.read_text()
    printed = follow(folder, page)
    for step, out in zip(STEP.finditer(page), printed, strict=True):
        if step["seen"] is not None:
            assert without_figures(out) == without_figures(step["seen"]), step["commands"]
    assert json.loads((folder / "verdict.json").read_text())["ok"]
    assert (folder / "runs" / "seed1" / "artifact.bgz").stat().st_size <= 500_000
    submission = json.loads((folder / "submission" / "submission.json").read_text())
    assert submission["seeds"] == [1, 2, 3] and submission["bytes_total"] <= 16_000_000
    assert (folder / "report.html").stat().st_size > 10_000
