"""Which tokenizer a corpus gets: a given one, the bytes, or one trained on its training documents."""

from dataclasses import dataclass
from itertools import islice

from bytegolf.config import TextConfig
from bytegolf.runtime.progress import say
from bytegolf.text.corpus import Corpus
from bytegolf.text.split import Split
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_tokenizer

SAMPLE_BYTES = 100_000_000  # of text that a tokenizer is trained on


@dataclass(frozen=True)
class Vocabulary:
    """Which tokenizer to use: a `given` one, or what `text` asks for, trained with so many pieces unless it is the bytes."""

    text: TextConfig
    vocab_size: int
    given: Tokenizer | None

    def __str__(self) -> str:
        if self.given:
            return f"{self.given.name}, sha256 {self.given.sha256[:16]}"
        if self.text.tokenizer == "bytes":
            return "bytes"
        return f"{self.text.tokenizer} of {self.vocab_size} pieces{' across words' * self.text.across_words}"

    def make(self, corpus: Corpus, split: Split) -> Tokenizer:
        """Return the tokenizer, trained on an even sample of the training documents if it has to be trained."""
        if self.given:
            return self.given
        if self.text.tokenizer == "bytes":
            return BytesTokenizer()
        say(f"tokenizer: training {self}")
        one_in = -(-split.train_bytes // SAMPLE_BYTES)
        texts = (document.text for document, held_out in split.divide(corpus) if not held_out)
        return train_tokenizer(islice(texts, 0, None, one_in), self.vocab_size, self.text)
