"""The held-out documents: their places, sizes and hashes."""

from pathlib import Path

from bytegolf.auditing.overlap.held_out import read_held_out
from bytegolf.text.tokenizer_training import train_bpe
from support.overlapping import TEXTS, dataset


def test_sizes_are_those_of_the_texts(tmp_path: Path) -> None:
    texts = ["", "first", "", "ümlaut and more", "  spaces"]
    for name, tokenizer in (("bytes", None), ("bpe", train_bpe(TEXTS, 300))):
        held_out = read_held_out(dataset(tmp_path / name, ["x"], texts, tokenizer))
        assert held_out.sizes.tolist() == [len(text.encode()) for text in texts] and len(held_out) == len(texts)
        assert [held_out.beginning(number) for number in range(len(texts))] == texts
        copies = [held_out.copies(held_out.tokens(number)) for number in range(len(texts))]
        assert copies == [[], [1], [], [3], [4]]  # empty ones are no copies
