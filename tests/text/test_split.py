"""What is held out stays held out, and no copy of it is trained on."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytegolf.errors import InputError
from bytegolf.text.corpus import open_corpus
from bytegolf.text.documents import Document
from bytegolf.text.split import SplitRule, decide_split
from support.corpora import write_jsonl, write_texts


def divide(path: Path, val_docs: int | None = None) -> tuple[list[str], list[str]]:
    """Names of (training documents, held-out documents)."""
    corpus = open_corpus([str(path)])
    divided = list(decide_split(corpus, SplitRule(val_docs)).divide(corpus))
    return [document.name for document, out in divided if not out], [document.name for document, out in divided if out]


@given(name=st.text(max_size=20), text=st.text(max_size=20), index=st.integers(0, 10**9))
def test_the_default_rule_is_a_hash_of_the_key(name: str, text: str, index: int) -> None:
    def hashed(key: str) -> bool:
        return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 20 == 0

    assert SplitRule().holds_out(index, Document(name, text)) == hashed(name)
    assert SplitRule().holds_out(index, Document(name, text, record=True)) == hashed(text)


def test_the_rule_is_stable() -> None:
    held_out = [i for i in range(100) if SplitRule().holds_out(i, Document(f"{i:03d}.txt", ""))]
    assert held_out == [1, 6, 12, 39, 44, 56, 74]  # found with sha256sum


def test_records_are_held_out_wherever_they_stand(tmp_path: Path) -> None:
    texts = [f"text {i}" for i in range(200)]
    held_out = divide(write_jsonl(tmp_path / "a.jsonl", texts))[1]
    reordered = divide(write_jsonl(tmp_path / "b.jsonl", ["new", *reversed(texts)]))[1]
    assert {int(name.split(":")[1]) - 1 for name in held_out} == {201 - int(name.split(":")[1]) for name in reordered}


def test_the_first_documents(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ["one", "two", "three"])
    assert divide(path, 2) == (["a.jsonl:3"], ["a.jsonl:1", "a.jsonl:2"])


def test_copies_of_held_out_documents_leave_training(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ["one", "two", "one", "three", "three", "two"])
    assert divide(path, 2) == (["a.jsonl:4", "a.jsonl:5"], ["a.jsonl:1", "a.jsonl:2"])
    texts = [str(i) for i in range(30)]
    texts[3] = texts[20] = "copy"
    texts[6] = "copy"  # the held-out one; a copy before it leaves as well
    training, held_out = divide(write_texts(tmp_path / "folder", texts))
    assert held_out == ["001.txt", "006.txt", "012.txt"]
    assert training == [f"{i:03d}.txt" for i in range(30) if i not in (1, 3, 6, 12, 20)]


def test_a_fingerprint_is_of_names_texts_and_order(tmp_path: Path) -> None:
    def fingerprint(name: str, texts: list[str]) -> str:
        return decide_split(open_corpus([str(write_jsonl(tmp_path / name, texts))]), SplitRule(1)).corpus_sha256

    assert fingerprint("a.jsonl", ["one", "two"]) == fingerprint("a.jsonl", ["one", "two"])
    others = [("b.jsonl", ["one", "two"]), ("a.jsonl", ["two", "one"]), ("a.jsonl", ["one", "twö"]), ("a.jsonl", ["one", "two", "three"])]
    assert len({fingerprint(*other) for other in [("a.jsonl", ["one", "two"]), *others]}) == 5


@pytest.mark.parametrize(
    ("texts", "val_docs", "expected"),
    [
        ([], None, "at least one document with text, found none"),
        (["one"], None, "documents to hold out, found none of 1 with sha256.*; choose how many"),
        (["one", "two"], 2, "documents to train on, found all 2 held out by first 2 documents; choose how many"),
        (["one", "one"], 1, "documents to train on, found all 2 held out"),
    ],
)
def test_text_that_cannot_be_split(tmp_path: Path, texts: list[str], val_docs: int | None, expected: str) -> None:
    with pytest.raises(InputError, match=rf"a\.jsonl: expected {expected}"):
        divide(write_jsonl(tmp_path / "a.jsonl", texts), val_docs)


@pytest.mark.parametrize("val_docs", [0, -1])
def test_no_documents_asked_for(val_docs: int) -> None:
    with pytest.raises(InputError, match=f"val_docs: expected at least 1 document, found {val_docs}"):
        SplitRule(val_docs)
