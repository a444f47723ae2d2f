"""What is audited: anything that says what each token of a text costs. n tokens in a text, V in the vocabulary.

A subject has `vocab_size` and either `reset`, `predict` and `observe` (see `bytegolf.coding.predictor`; distributions of any
shape that holds V numbers) or `costs`. Whatever else of `Scorer` it offers makes more tests possible.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bytegolf.errors import InputError

Text = NDArray[np.int64]
Floats = NDArray[np.float64]
Event = tuple[str, int, int]  # "score" or "update", and the targets [first, stop) that were scored or learned from


class Scorer(Protocol):
    """Scores a text from a fresh start each time it is called. Target i is token i + 1."""

    vocab_size: int

    def costs(self, tokens: Text) -> NDArray[np.floating]:
        """Bits of every target, (n - 1,), or in the order of scoring with the number of the target, (n - 1, 2)."""


class Degenerate(NamedTuple):
    """A setting of a scorer at which its answer is known: that of `plain`, or, if there is none, that of one without any context."""

    name: str
    scorer: Scorer
    plain: Scorer | None


@dataclass(frozen=True)
class Subject:
    """Made anew for each scoring by `factory`, so that nothing is carried over but what the code keeps outside of itself."""

    factory: Callable[[], Any]

    def made(self) -> Any:
        made = self.factory()
        if not (hasattr(made, "costs") or hasattr(made, "predict")) or not isinstance(getattr(made, "vocab_size", None), int):
            raise InputError(
                f"audit: expected a factory of something with vocab_size and costs, or reset, predict and observe, found {made!r}"
            )
        return made

    def offers(self, name: str) -> bool:
        made = self.made()
        return hasattr(made, name) or (name == "distributions" and self.steps)

    @property
    def steps(self) -> bool:
        """Whether it predicts token by token and so cannot be shown what it is to predict."""
        return hasattr(self.made(), "predict")

    @property
    def vocab_size(self) -> int:
        return int(self.made().vocab_size)

    @property
    def knows_length(self) -> bool:
        """Whether it is told how long the text is, which a file can say in its head."""
        return bool(getattr(self.made(), "knows_length", False))

    def claims(self, tokens: Text) -> NDArray[np.floating]:
        """Costs as the subject hands them out."""
        made = self.made()
        return np.asarray(made.costs(tokens)) if hasattr(made, "costs") else _stepped(made, tokens)[0]

    def costs(self, tokens: Text) -> Floats:
        """Bits of every target in the order of the text, (n - 1,); those scored several times as they were first."""
        return in_order(self.claims(tokens), len(tokens) - 1)

    def distributions(self, tokens: Text) -> Floats:
        """What every target was given, (n - 1, V), seen along with the whole text."""
        made = self.made()
        return np.asarray(made.distributions(tokens), np.float64) if hasattr(made, "distributions") else _stepped(made, tokens)[1]


def in_order(claims: NDArray[np.floating], targets: int) -> Floats:
    """(targets,); infinite where nothing was booked."""
    if claims.ndim == 1:
        claims = np.stack((np.arange(len(claims)), claims), axis=1)
    costs = np.full(targets, np.inf)
    for target, bits in claims[::-1].tolist():
        if 0 <= target < targets:
            costs[int(target)] = bits
    return costs


def _stepped(predictor: Any, tokens: Text) -> tuple[Floats, Floats]:
    """Costs, and the distributions they are of. The first token is observed, not predicted."""
    predictor.reset()
    predictor.observe(tokens[:1])
    rows = []
    for token in tokens[1:]:
        row = np.array(predictor.predict(), np.float64).reshape(-1)
        if row.size != predictor.vocab_size:
            raise InputError(f"audit: expected predict to give {predictor.vocab_size} probabilities, found {row.size}")
        rows.append(row)
        predictor.observe(np.array([token]))
    distributions = np.stack(rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        return -np.log2(distributions[np.arange(len(rows)), tokens[1:]]), distributions


def texts_like_text(vocab_size: int, length: int, rng: np.random.Generator) -> Text:
    """A text in which tokens have a few favoured successors, so that whatever learns from the past has something to learn."""
    successors = rng.integers(vocab_size, size=(vocab_size, 3))
    tokens = [int(rng.integers(vocab_size))]
    for _ in range(length - 1):
        tokens.append(int(rng.integers(vocab_size)) if rng.random() < 0.2 else int(successors[tokens[-1], rng.integers(3)]))
    return np.array(tokens)


def spread(first: int, stop: int, count: int) -> Sequence[int]:
    """At most `count` different numbers from `first` to below `stop`, evenly apart, both ends among them."""
    return sorted({int(place) for place in np.linspace(first, stop - 1, count).round()}) if stop > first else []
