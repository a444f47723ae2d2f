"""A bytegolf tokenizer as transformers loads and uses it. The tokenizer itself is in tokenizer.py."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from sentencepiece import SentencePieceProcessor
from transformers import PreTrainedTokenizer

from bytegolf.config import BOS
from bytegolf.text.tokenizer import NUM_SPECIALS, Tokenizer, kind_of, tokenizer_from

SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")  # of the vocabulary of bytes


class BytegolfTokenizer(PreTrainedTokenizer):
    """Text to tokens and back, byte for byte. A text begins with BOS unless `add_special_tokens` is False; there is no EOS.

    Names of special tokens that occur in a text are text.
    """

    vocab_files_names: ClassVar[dict[str, str]] = {"vocab_file": "tokenizer.model"}
    model_input_names: ClassVar[list[str]] = ["input_ids", "attention_mask"]

    def __init__(self, vocab_file: str, **kwargs: Any) -> None:
        self.vocab_file = Path(vocab_file)
        serialised = self.vocab_file.read_bytes()
        self.own: Tokenizer = tokenizer_from(kind_of(serialised), serialised)
        self.names = token_names(self.own)
        self.ids = {name: number for number, name in enumerate(self.names)}
        settings = {"bos_token": self.names[BOS], "pad_token": self.names[0], "padding_side": "left", "split_special_tokens": True}
        super().__init__(**{**settings, "clean_up_tokenization_spaces": False, **kwargs})

    @property
    def vocab_size(self) -> int:
        """Return the number of tokens."""
        return self.own.vocab_size

    def get_vocab(self) -> dict[str, int]:
        """Return the tokens' numbers by their names."""
        return dict(self.ids)

    def _tokenize(self, text: str, **kwargs: object) -> list[str]:
        return [self.names[token] for token in self.own.encode(text)]

    def _convert_token_to_id(self, token: str) -> int | None:
        return self.ids.get(token)

    def _convert_id_to_token(self, index: int) -> str:
        return self.names[index]

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """Return the text of tokens; bytes that are no UTF-8 become U+FFFD."""
        return self.own.decode([self.ids[token] for token in tokens]).decode(errors="replace")

    def build_inputs_with_special_tokens(self, token_ids_0: list[int], token_ids_1: list[int] | None = None) -> list[int]:
        """Return one or two documents, each behind a BOS."""
        return [BOS, *token_ids_0, *([] if token_ids_1 is None else [BOS, *token_ids_1])]

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str]:
        """Copy the tokenizer's own file."""
        copy = Path(save_directory) / f"{filename_prefix or ''}{self.vocab_file.name}"
        if copy.resolve() != self.vocab_file.resolve():
            shutil.copyfile(self.vocab_file, copy)
        return (str(copy),)


def token_names(tokenizer: Tokenizer) -> list[str]:
    """Return a name for each token: SentencePiece's own, or the byte that it stands for."""
    if tokenizer.kind == "bytes":
        return [*SPECIALS, *(f"<0x{token - NUM_SPECIALS:02X}>" for token in range(NUM_SPECIALS, tokenizer.vocab_size))]
    processor = SentencePieceProcessor(model_proto=tokenizer.pieces.serialised)
    return [processor.id_to_piece(token) for token in range(tokenizer.vocab_size)]
