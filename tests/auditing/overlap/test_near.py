"""Near duplicates: planted ones are found with their true similarity, and what is not near is not."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.auditing.overlap.held_out import read_held_out
from bytegolf.auditing.overlap.near import THRESHOLD, NearDuplicates, jaccard, shingle_hashes
from bytegolf.errors import InputError
from bytegolf.text.dataset import Dataset
from bytegolf.text.token_documents import document_blocks
from bytegolf.text.tokenizer_training import train_bpe
from support.overlapping import TEXTS, dataset, edited


def near(data: Dataset) -> NearDuplicates:
    found = NearDuplicates(read_held_out(data))
    for block in document_blocks(data.train, 5000):
        found.look_at(block)
    return found


def similarity(a: str, b: str, width: int) -> float:
    """Of the sets of their runs of characters, plainly."""
    sets = [{text[start : start + width] for start in range(len(text) - width + 1)} for text in (a, b)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.mark.parametrize("bpe", [False, True])
def test_planted_near_duplicates(tmp_path: Path, bpe: bool) -> None:
    val, train = TEXTS[:15], [*TEXTS[15:], *map(edited, TEXTS[:10])]
    data = dataset(tmp_path / "bytes", train, val, train_bpe(TEXTS, 400) if bpe else None)
    found = near(data)
    assert {number: training for number, (training, _) in found.first_near.items()} == {number: 25 + number for number in range(10)}
    if not bpe:
        for number, (training, index) in found.first_near.items():
            assert index == pytest.approx(similarity(train[training], val[number], found.width), abs=1e-3)


def test_clean_data_has_none(tmp_path: Path) -> None:
    assert not near(dataset(tmp_path / "bytes", TEXTS[10:], TEXTS[:10])).first_near


@pytest.mark.parametrize("every", [3, 6, 12, 25, 50, 100])
def test_whether_a_pair_is_near_follows_from_its_similarity(tmp_path: Path, every: int) -> None:
    train = [edited(text, every) for text in TEXTS]
    found = near(dataset(tmp_path / "bytes", train, TEXTS))
    true = [similarity(a, b, found.width) for a, b in zip(train, TEXTS, strict=True)]
    assert all(true[number] >= THRESHOLD - 0.001 for number in found.first_near)
    expected = [number for number, index in enumerate(true) if index > THRESHOLD]
    assert len(found.first_near) >= 0.9 * len(expected)


def test_a_text_that_is_cut_or_added_to(tmp_path: Path) -> None:
    text = TEXTS[0]
    changed = [text[:-200], "A line before it.\n" + text, text[:500] + " something put in between " + text[500:]]
    for index, other in enumerate(changed):
        assert near(dataset(tmp_path / str(index), [TEXTS[5], other], [text])).first_near.keys() == {0}


def test_short_and_empty_documents(tmp_path: Path) -> None:
    found = near(dataset(tmp_path / "bytes", ["", "short", TEXTS[0]], ["", "short", "a", TEXTS[1]]))
    assert not found.first_near
    assert not near(dataset(tmp_path / "empty", ["x"], [""])).first_near


@given(st.lists(st.integers(0, 65535), max_size=30), st.integers(2, 8))
def test_equal_runs_have_equal_hashes(tokens: list[int], width: int) -> None:
    hashes = shingle_hashes(np.array(tokens, dtype=np.uint16), width).tolist()
    runs = [tuple(tokens[start : start + width]) for start in range(len(tokens) - width + 1)]
    assert len(hashes) == len(runs) and len(set(zip(runs, hashes, strict=True))) == len(set(runs)) == len(set(hashes))


@given(st.sets(st.integers(0, 50)), st.sets(st.integers(0, 50), min_size=1))
def test_jaccard(a: set[int], b: set[int]) -> None:
    first, second = (np.array(sorted(numbers), dtype=np.uint32) for numbers in (a, b))
    assert jaccard(first, second) == len(a & b) / len(a | b)


def test_without_datasketch_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(InputError, match="expected the package datasketch, found it missing; pip install datasketch"):
        near(dataset(tmp_path / "bytes", TEXTS[10:], TEXTS[:10]))
