"""What verbs print for people."""

from dataclasses import replace
from pathlib import Path

from bytegolf.cli.tables import score_table
from bytegolf.scoring.ledger import Score
from support.command_line import RunCli


def test_tables(run_cli: RunCli, desk: Path) -> None:
    commands: dict[str, tuple[object, ...]] = {
        "26,727": ("plan", "micro.toml"),
        "held out": ("prepare", "texts", "--out", "new", "--tokenizer", "bytes", "--val-docs", "2"),
        "bpb (standard)": ("train", "micro.toml", "--data", "data", "--out", "run", "--resume"),
        "bytes of 30,000": ("pack", "run"),
        "bits per byte": ("score", "run", "--data", "data"),
        "page.html": ("report", "run", "--out", "page.html"),
        "smallest model": ("recipes",),
    }
    for shown, command in commands.items():
        result = run_cli(*command)
        assert result.status == 0 and shown in result.out, command


def test_a_score_of_normalised_text_says_so() -> None:
    plain = Score("sliding", 100.0, 50, 30)
    assert "normalise" not in score_table(plain)
    shown = score_table(replace(plain, normalised=True, original_bytes=80))
    assert "2.000000" in shown and "50 of the text as the tokenizer normalises it" in shown
    assert "1.250000 bits per byte, 80 bytes before normalisation" in shown
