"""Rules that a folder may break, by what is in it."""

from pathlib import Path

import pytest

from bytegolf.contest.submission import SubmissionFacts
from bytegolf.contest.submission_rules import folder_problems
from support.submissions import seed_result, submission_facts, write_folder


def problems(folder: Path, facts: SubmissionFacts) -> list[str]:
    return folder_problems(write_folder(folder, facts), facts)


def test_the_cap_is_sixteen_million_bytes_for_every_seed(tmp_path: Path) -> None:
    small, largest = seed_result(1), seed_result(2, artifact_bytes=15_999_950)
    assert problems(tmp_path, submission_facts(small, largest)) == []
    told = problems(tmp_path, submission_facts(small, seed_result(2, artifact_bytes=15_999_951)))
    assert told == [
        "seed 2: expected at most 16,000,000 bytes in total, found 16,000,001 bytes, 50 of code and 15,999,951 of artifact_seed2.bgz"
    ]


def test_files_have_the_sizes_that_are_counted(tmp_path: Path) -> None:
    facts = submission_facts(seed_result(1))
    write_folder(tmp_path, facts)
    for name in ("train_gpt.py", "artifact_seed1.bgz"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"x")
    assert [line.partition(":")[0] for line in folder_problems(tmp_path, facts)] == ["artifact_seed1.bgz", "train_gpt.py"]


@pytest.mark.parametrize(
    ("seeds", "whole", "told"),
    [
        ((1, 2), True, "at least 3 seeds for a record, found 2"),
        ((1, 2, 3), False, "a score of all held-out text"),
        ((1, 2, 33), True, "seed 33: expected training of at most 600 s for a record, found 601.0 s"),
    ],
)
def test_a_record_has_rules_of_its_own(tmp_path: Path, seeds: tuple[int, ...], whole: bool, told: str) -> None:
    results = [seed_result(seed, train_seconds=601.0 if seed == 33 else 600.0) for seed in seeds]
    assert problems(tmp_path, submission_facts(*results, whole=whole)) == []
    (problem,) = problems(tmp_path, submission_facts(*results, whole=whole, track="10min_16mb"))
    assert told in problem
