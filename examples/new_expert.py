"""Try an expert of your own beside those of the house, by whether a file gets smaller and decodes.

    python examples/new_expert.py runs/tiny/artifact.bgz --text notes.txt --limit-bytes 20000

The expert here says: what came lately comes again. It keeps the conditions of a valid score: it sees no token before it has predicted it,
what it gives is a whole distribution, and it computes in whole numbers alone, so that a decoder on any machine finds the same. How it
comes to stay: docs/how-to-extend.md
"""

import argparse
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Tokens
from bytegolf.coding.codec import decode, encode
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.predictor import Predictor
from bytegolf.config import ExpertsConfig
from bytegolf.exact.output import Frequencies, nats_of_frequencies, parts_of_total

MEMORY = 256  # tokens
SHARES = (0, 1, 2, 4, 8, 16)  # of 256 parts, that the expert may have


class Recent:
    """Counts the last tokens of one text, and takes the share of the prediction that would have been best so far."""

    def __init__(self, vocab_size: int) -> None:
        self.counts_V, self.tokens = np.zeros(vocab_size, np.int64), deque[int]()
        self.nats_S = np.zeros(len(SHARES))  # that the text would have cost so far, with each of the shares

    def predict(self, rows_LV: Frequencies) -> Frequencies:
        """Return the frequencies of the next token, (1, V) in parts of TOTAL, given those of the model."""
        own_V = parts_of_total(self.counts_V * len(self.counts_V) + 1)
        self.mixed_SV = np.stack([parts_of_total(rows_LV[0] * (256 - share) + own_V * share) for share in SHARES])
        return self.mixed_SV[[self.nats_S.argmin()]]

    def update(self, token: int) -> None:
        """Learn which token came, after `predict`."""
        self.nats_S += nats_of_frequencies(self.mixed_SV[:, token])
        self.tokens.append(token)
        self.counts_V[token] += 1
        if len(self.tokens) > MEMORY:
            self.counts_V[self.tokens.popleft()] -= 1


class Improved:
    """A predictor of one text, and an expert that has the last word."""

    lanes = 1

    def __init__(self, predictor: Predictor, expert: Recent) -> None:
        self.predictor, self.expert = predictor, expert

    def predict(self) -> Frequencies:
        """Return how likely each token is to come next, (1, V)."""
        return self.expert.predict(self.predictor.predict())

    def observe(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came."""
        self.expert.update(int(tokens_L[0]))
        self.predictor.observe(tokens_L)


def predictors(packed: PackedModel) -> dict[str, Predictor]:
    """Return new predictors of one text: the model alone, with the experts of the house, and with the new one behind each."""
    model, window, vocab_size = packed.model, packed.artifact.score.window, packed.artifact.config.vocab_size
    experts = packed.artifact.experts or ExpertsConfig(enabled=True)
    return {
        "the model alone": LanePredictor(model, None, 1, window),
        "and recent tokens": Improved(LanePredictor(model, None, 1, window), Recent(vocab_size)),
        "with experts": LanePredictor(model, experts, 1, window),
        "and recent tokens, too": Improved(LanePredictor(model, experts, 1, window), Recent(vocab_size)),
    }


def coded(packed: PackedModel, name: str, tokens: Tokens) -> bytes:
    """Return a text coded by the predictor of that name. Raises ValueError unless another one like it decodes it."""
    data = encode(predictors(packed)[name], [tokens])
    if not np.array_equal(decode(predictors(packed)[name], [len(tokens)], data)[0], tokens):
        raise ValueError(f"{name}: what was decoded is another text")
    return data


def main() -> None:
    """Read the command line, code a text in every way, and print what it costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--limit-bytes", type=int, default=20_000)
    options = parser.parse_args()

    packed = PackedModel(options.artifact)
    text = options.text.read_bytes()[: options.limit_bytes].decode(errors="ignore")
    tokens, num_bytes = packed.artifact.tokenizer.encode(text).astype(np.uint16), len(text.encode())
    print(f"{num_bytes:,} bytes of text, {len(tokens):,} tokens")
    for name in predictors(packed):
        data = coded(packed, name, tokens)
        print(f"{name:24}{len(data):8,} bytes, {8 * len(data) / num_bytes:.4f} bits per byte, decoded")


if __name__ == "__main__":
    main()
