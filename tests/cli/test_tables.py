"""What verbs print for people."""

from pathlib import Path

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
