"""Reading texts side by side, in one pass, in pieces or token by token: the bits are the same."""

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.config import BOS
from bytegolf.exact.angles import angles
from bytegolf.exact.attention import KeysAndValues
from bytegolf.exact.block import Sight
from bytegolf.exact.bounds import require_positions
from bytegolf.exact.embeddings import REACH, Tokens64
from bytegolf.exact.model import ExactModel
from bytegolf.exact.parts import in_parts

ROWS_AT_ONCE = 2048  # positions that go through the model together, so that what is between two steps stays in the cache


class Reader:
    """B texts side by side, of which as many tokens each are read at a time.

    A position sees itself and those before it that were not forgotten, as they were computed then. Rotations count from the
    first position in sight. `positions` are in sight at most; with `once`, all are read in a single call, and a block's keys
    and values are given up when the next one is run.
    """

    def __init__(self, model: ExactModel, texts: int, positions: int, once: bool = False) -> None:
        require_positions(positions)
        config = model.config
        self.model, self.positions, self.length = model, positions, 0
        self.angles = angles(positions, config.rotated_dims, config.rope_base)
        pasts = [KeysAndValues.empty(config, texts, positions) for _ in range(1 if once else config.depth)]
        self.pasts = pasts * config.depth if once else pasts
        self.recent = np.zeros((texts, REACH), np.int64)
        self.age = np.full((texts, 1), -1)  # of the last token read: positions since its document or text began
        self.neighbour = np.zeros((texts, config.model_dim))  # the last token's state before it was smeared

    def hidden(self, tokens_BT: NDArray[np.integer], last: int | None = None) -> Doubles:
        """Read the next tokens of each text and return the hidden states of the `last` of them, or all: (B, n, D)."""
        model, (texts, positions) = self.model, tokens_BT.shape
        asked = positions if last is None else last
        text = np.concatenate((self.recent, tokens_BT), axis=1)
        age = self._ages(text[:, REACH:])
        first_seen, hidden = self._first_seen(age), np.empty((texts, asked, model.config.model_dim))

        def read(some: slice) -> None:
            states = model.first_state.embed(text[some], age[some])
            x0 = model.first_state.smear(states, self.neighbour[some], age[some]).reshape(-1, states.shape[-1])
            sight = Sight(self.angles, first_seen[some], self.length)
            pasts = [past.of_texts(some) for past in self.pasts]
            hidden[some] = model.hidden(x0, model.value_embedding(text[some, REACH:]), pasts, sight, asked).reshape(hidden[some].shape)
            self.neighbour[some] = states[:, -1]

        in_parts(read, texts, positions * model.products)
        self.recent, self.age = text[:, -REACH:], age[:, -1:]
        self.length += positions
        return hidden

    def forget(self, positions: int) -> None:
        """Drop the first positions in sight."""
        for past in self.pasts:
            past.forget(positions, self.length, self.angles)
        self.length -= positions

    def _ages(self, tokens_BT: Tokens64) -> Tokens64:
        """Return the number of positions since the document, or the text, began."""
        place = np.arange(tokens_BT.shape[1])
        start = np.repeat(-1 - self.age, len(place), axis=1)
        if self.model.config.isolate_documents:
            start = np.maximum.accumulate(np.where(tokens_BT == BOS, place, start), axis=1)
        return place - start

    def _first_seen(self, age_BT: Tokens64) -> Tokens64:
        """Return the first position that each one sees."""
        if not self.model.config.isolate_documents:
            return np.zeros_like(age_BT)
        return np.maximum(0, self.length + np.arange(age_BT.shape[1]) - age_BT)


def read_windows(model: ExactModel, tokens_BT: NDArray[np.integer], last: int | None = None) -> Doubles:
    """Return the hidden states of windows that know nothing of each other, (B, n, D), only of the `last` positions if given."""
    length = tokens_BT.shape[1]
    step = max(1, ROWS_AT_ONCE // length)
    groups = [tokens_BT[first : first + step] for first in range(0, len(tokens_BT), step)]
    return np.concatenate([Reader(model, len(group), length, once=True).hidden(group, last) for group in groups])
