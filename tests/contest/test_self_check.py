"""A script that is run to give its score again: stand-ins that print one."""

from pathlib import Path

import pytest

from bytegolf.contest.self_check import script_problems
from bytegolf.sandbox import sandbox_available
from support.submissions import seed_result, submission_facts, write_folder

GOOD = 'print(\'noise\\n{"bpb": 1.00005, "bytes": 3000, "tokens": 1000}\')'


def problems(folder: Path, script: str, *, sandbox: bool = False) -> list[str]:
    """Return the problems of a script beside data of one training shard."""
    result = seed_result(1)
    write_folder(folder, submission_facts(result))
    (folder / "train_gpt.py").write_text(script)
    data = folder / "data"
    data.mkdir()
    (data / "train_000.bin").write_text("shard")
    (folder / "bytes").touch()
    return script_problems(folder, result, data, folder / "bytes", [data / "train_000.bin"], sandbox=sandbox)


def test_the_same_score_is_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (GOOD.replace("1.00005", "1.0002"), "expected 1.000000 bits per byte again, found 1.000200"),
        (GOOD.replace("1.00005", "NaN"), "found nan"),
        (GOOD.replace("3000", "2999"), "expected 3,000 bytes and 1,000 tokens again, found 2999 and 1000"),
        ("print('[]')", "expected a score as JSON"),
        ("pass", "expected a score as JSON"),
        ("raise SystemExit('no such thing')", "found status 1: no such thing"),
    ],
)
def test_problems_are_told(tmp_path: Path, script: str, told: str) -> None:
    (problem,) = problems(tmp_path, script)
    assert told in problem and problem.startswith("train_gpt.py: expected ")


@pytest.mark.skipif(not sandbox_available(), reason="needs a sandbox")
def test_the_sandbox_shows_neither_the_package_nor_training_text(tmp_path: Path) -> None:
    probe = "\n".join(
        [
            "import sys",
            "from pathlib import Path",
            "data = Path(sys.argv[sys.argv.index('--data') + 1])",
            "assert (data / 'train_000.bin').read_bytes() == b''",
            "try:",
            "    import bytegolf.config",
            "except ImportError:",
            f"    {GOOD}",
        ]
    )
    assert problems(tmp_path, probe, sandbox=True) == []
