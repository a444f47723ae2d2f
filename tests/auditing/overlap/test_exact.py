"""Exact copies: every planted one is found, and nothing else."""

import random
from pathlib import Path

import pytest

from bytegolf.auditing.overlap.exact import ExactCopies
from bytegolf.auditing.overlap.held_out import read_held_out
from bytegolf.text.dataset import Dataset
from bytegolf.text.token_documents import document_blocks
from support.overlapping import TEXTS, dataset


def find_exact_copies(data: Dataset) -> ExactCopies:
    copies = ExactCopies(read_held_out(data))
    for block in document_blocks(data.train, 5000):
        copies.look_at(block)
    return copies


@pytest.mark.parametrize("seed", range(10))
def test_planted_copies(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    val, train = TEXTS[:12], TEXTS[12:]
    planted = {number: draw.randrange(1, 3) for number in draw.sample(range(12), draw.randrange(13))}
    for number, times in planted.items():
        train = train + [val[number]] * times
    draw.shuffle(train)
    data = dataset(tmp_path / "bytes", train, val)
    copies = find_exact_copies(data)
    assert copies.first_copy == {number: train.index(val[number]) for number in planted}
    assert copies.copies == sum(planted.values())


def test_one_character_makes_another_document(tmp_path: Path) -> None:
    data = dataset(tmp_path / "bytes", [TEXTS[0] + " ", TEXTS[1][1:], ""], [TEXTS[0], TEXTS[1], ""])
    assert not find_exact_copies(data).first_copy


def test_a_document_that_is_held_out_twice_counts_twice(tmp_path: Path) -> None:
    data = dataset(tmp_path / "bytes", [TEXTS[0]], [TEXTS[0], TEXTS[1], TEXTS[0]])
    assert find_exact_copies(data).first_copy == {0: 0, 2: 0}
