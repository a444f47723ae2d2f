"""Text that a model makes up, token by token, as it comes.

What is generated depends on the artifact, the prompt and the settings alone: predictions are exact and so is each draw.
"""

import codecs
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.lossless import Lossless, bytes_behind
from bytegolf.coding.sampling import Dice, Sampling
from bytegolf.config import BOS
from bytegolf.errors import ParameterError
from bytegolf.text.casing import CasingReader
from bytegolf.text.tokenizer import Tokenizer


class GeneratedPiece(NamedTuple):
    """A token, and the characters that are complete with it: none where a character needs further tokens, or a capital is marked."""

    token: int
    text: str


class GenerationLimits(NamedTuple):
    """When to stop: after so many tokens, or where a document ends if `stop` is set."""

    max_tokens: int
    stop: bool


class Generation:
    """Pieces of text that follow a prompt. They are made as they are asked for, once; then its figures are complete.

    The prompt is taken for the beginning of a document. Bytes that are no UTF-8 become U+FFFD.
    """

    def __init__(
        self, predictor: LanePredictor, tokenizer: Tokenizer, prompt: str, sampling: Sampling, limits: GenerationLimits, seed: int
    ) -> None:
        self.predictor, self.tokenizer, self.sampling, self.limits, self.seed = predictor, tokenizer, sampling, limits, seed
        self.prompt = prompt
        self.prompt_tokens = prompt_tokens(tokenizer, prompt)
        self.tokens: list[int] = []
        self.text = ""
        self.ended = False  # with the document
        self.seconds = self.first_seconds = 0.0  # spent on all tokens; on the prompt and the first one, and on loading what computes them
        self._pieces = self._generate(Dice(seed))

    def __iter__(self) -> Iterator[GeneratedPiece]:
        return self._pieces

    def to_json(self) -> dict[str, object]:
        """Return text and figures as an object for JSON, once all is generated."""
        for _ in self:
            pass
        return {
            "text": self.text,
            "prompt": self.prompt,
            "tokens": len(self.tokens),
            "prompt_tokens": len(self.prompt_tokens),
            "ended": self.ended,
            "seed": self.seed,
            "seconds": self.seconds,
            "first_token_seconds": self.first_seconds,
            "tokens_per_second": self.tokens_per_second,
            "experts": self.predictor.experts is not None,
        }

    def __str__(self) -> str:
        end = "the document ended" if self.ended else "as many as asked for"
        return f"{len(self.tokens):,} tokens, {end}; {self.tokens_per_second:,.0f} a second; seed {self.seed}"

    @property
    def tokens_per_second(self) -> float:
        """Return how many tokens were generated in a second, after the first one."""
        seconds = self.seconds - self.first_seconds
        return (len(self.tokens) - 1) / seconds if seconds else 0.0

    def _generate(self, dice: Dice) -> Iterator[GeneratedPiece]:
        """Yield pieces until a limit is reached."""
        began, decoder = time.perf_counter(), codecs.getincrementaldecoder("utf-8")("replace")
        before, reader = BOS, CasingReader(self.tokenizer.casing)
        if len(self.prompt_tokens):
            before = self.prompt_tokens[-1]
            reader.read(self.tokenizer.pieces.decode(self.prompt_tokens))
        self.predictor.read(self.prompt_tokens[None])
        while len(self.tokens) < self.limits.max_tokens and not self.ended:
            token = dice.draw(self.sampling.shares(self.predictor.predict()[0]))
            self.predictor.observe(np.array([token]))
            self.tokens.append(token)
            self.ended = self.limits.stop and token == BOS
            last = self.ended or len(self.tokens) == self.limits.max_tokens
            if token == BOS:
                reader = CasingReader(self.tokenizer.casing)
            text = decoder.decode(reader.read(bytes_behind(self.tokenizer.pieces, before, [token])), final=last)
            before, self.text = token, self.text + text
            self.seconds += time.perf_counter() - began
            self.first_seconds = self.first_seconds or self.seconds
            yield GeneratedPiece(token, text)
            began = time.perf_counter()


def prompt_tokens(tokenizer: Tokenizer, prompt: str) -> Tokens:
    """Return the tokens of a prompt, which decode to it. Raises ParameterError for what is no text, or what the vocabulary lacks."""
    try:
        data = prompt.encode()
    except UnicodeEncodeError as error:
        raise ParameterError("prompt", f"expected text in UTF-8, found something else at character {error.start}") from None
    tokens = Lossless(tokenizer).encode(data).tokens
    if data and not len(tokens):
        raise ParameterError("prompt", "expected text that the model's vocabulary can spell, found characters that it lacks")
    return tokens
