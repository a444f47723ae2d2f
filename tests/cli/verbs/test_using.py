"""`generate` and `export`: what they print, and prompts from every place."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bytegolf.cli.output import print_as_it_comes
from support.command_line import RunCli
from support.runs import environment

GENERATE = ("generate", "run/artifact.bgz", "--seed", "1", "--max-tokens", "20")


def test_text_on_stdout_and_figures_beside_it(run_cli: RunCli, desk: Path) -> None:
    shown, result = run_cli(*GENERATE, "--prompt", "ab"), run_cli(*GENERATE, "--prompt", "ab", "--json").json
    assert shown.status == 0 and shown.out.rstrip("\n") == result["text"].rstrip("\n")
    assert "seed 1" in shown.err and "tokens" in shown.err
    assert (result["prompt"], result["prompt_tokens"], result["seed"]) == ("ab", 2, 1)
    assert result.keys() >= {"text", "tokens", "seconds", "tokens_per_second", "ended", "experts"}


def test_settings_reach_the_model(run_cli: RunCli, desk: Path) -> None:
    texts = {
        run_cli(*GENERATE, *options, "--json").json["text"]
        for options in ((), ("--temperature", "0"), ("--temperature", "3"), ("--top-k", "2"), ("--top-p", "0.3"), ("--seed", "2"))
    }
    assert len(texts) >= 5, "the likeliest token and the two likeliest may agree"
    assert run_cli(*GENERATE, "--experts", "--json").json["experts"] is True
    assert run_cli(*GENERATE, "--past-end", "--json").json["ended"] is False


@pytest.mark.parametrize(("piped", "shown"), [(b"abc", "abc"), (b"", "")])
def test_the_prompt_may_be_piped(desk: Path, piped: bytes, shown: str) -> None:
    command = [sys.executable, "-m", "bytegolf", *GENERATE, "--json"]
    done = subprocess.run(command, cwd=desk, env=environment(), input=piped, capture_output=True)
    assert done.returncode == 0 and f'"prompt": "{shown}"'.encode() in done.stdout


def test_what_is_piped_and_no_text_is_refused(desk: Path) -> None:
    command = [sys.executable, "-m", "bytegolf", *GENERATE]
    done = subprocess.run(command, cwd=desk, env=environment(), input=b"ab\xff", capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"error: --prompt: expected text in UTF-8 on stdin, found something else at byte 2\n"


def test_text_appears_before_all_of_it_is_there() -> None:
    seen = []

    class Screen(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    sys.stdout, before = Screen(), sys.stdout
    try:
        print_as_it_comes(iter(["a", "", "b\n", "c"]))
    finally:
        sys.stdout = before
    assert seen == ["a", "ab\n", "ab\nc", "ab\nc\n"]


def test_a_stdout_that_is_full_ends_in_one_line(desk: Path) -> None:
    command = [sys.executable, "-m", "bytegolf", *GENERATE]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=desk, env=environment(), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2 and done.stderr == b"error: stdout: No space left on device\n"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--temperature", "-1"), ("--top-p", "2"), ("--top-k", "-2"), ("--max-tokens", "0"), ("--prompt", os.fsdecode(b"\xff"))],
)
def test_the_option_of_a_mistake_is_named(run_cli: RunCli, desk: Path, option: str, value: str) -> None:
    assert f"error: {option}: expected" in run_cli(*GENERATE, option, value).error


@pytest.mark.parametrize("to", ["safetensors", "hf"])
def test_export_tells_what_it_wrote(run_cli: RunCli, desk: Path, to: str) -> None:
    result = run_cli("export", "run/artifact.bgz", "--to", to, "--out", "exported", "--json").json
    assert result["files"] == sorted(path.name for path in (desk / "exported").iterdir())
    assert (result["to"], result["out"], result["parameters"]) == (to, "exported", 26_727)


def test_gguf_is_refused_with_the_reason(run_cli: RunCli, desk: Path) -> None:
    line = run_cli("export", "run", "--to", "gguf", "--out", "exported").error
    assert line.startswith("error: --to: expected safetensors or hf, found 'gguf': llama.cpp has no such architecture")
    assert not (desk / "exported").exists()
