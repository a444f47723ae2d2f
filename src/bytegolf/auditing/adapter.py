"""The interface of what can be audited, and the predictor under test behind it. n tokens in a text, V in the vocabulary.

A predictor under test has `vocab_size` and either `reset`, `predict` and `observe` (see `bytegolf.coding.predictor`;
distributions of any shape that holds V numbers) or `bits`. Whatever else of OPTIONAL it offers makes more tests possible.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bytegolf.arrays import Doubles
from bytegolf.errors import InputError

TokenIds = NDArray[np.int64]
Event = tuple[str, int, int]  # "score" or "update", and the targets [first, stop) that were scored or learned from

# distributions(tokens): what every target was given, (n - 1, V)
# events(tokens): a list of Event in the order in which they happen; without_update(tokens, number): bits with that update left out
# degenerate(): a list of (name, scorer, plain scorer or None), see DegenerateSetting
# num_bytes(tokens) and decode(tokens): bytes that are claimed for a text, and the bytes of its tokens after the first
OPTIONAL = ("distributions", "events", "without_update", "degenerate", "num_bytes", "decode")


class Scorer(Protocol):
    """Scores a whole text, from a fresh start in each call. Target i is token i + 1."""

    vocab_size: int

    def bits(self, tokens: TokenIds) -> NDArray[np.floating]:
        """Return the bits of every target, (n - 1,), or ledger rows in the order of scoring: (target, bits), (rows, 2)."""


class DegenerateSetting(NamedTuple):
    """A setting of a scorer for which the result is known.

    Its bits are those of `plain`; if there is no `plain`, it uses no context, and so gains nothing on noise.
    """

    name: str
    scorer: Scorer
    plain: Scorer | None


class PredictorUnderTest:
    """A predictor under test, seen from outside.

    Each scoring asks the factory for a new instance, so that nothing is carried over but what the code keeps outside of
    its instances. What an instance is and offers is asked once. Raises InputError if it cannot be audited.
    """

    def __init__(self, factory: Callable[[], Any]) -> None:
        self._factory = factory
        example = self.new()
        self.vocab_size = int(example.vocab_size)
        self.is_sequential = hasattr(example, "predict")  # predicts token by token, so it cannot be shown what it is to predict
        self.knows_length = bool(getattr(example, "knows_length", False))  # is told the length of the text, as a file can tell it
        self.offered = {name for name in OPTIONAL if hasattr(example, name)} | ({"distributions"} if self.is_sequential else set())

    def new(self) -> Any:
        """Return a new instance. Raises InputError if it has too little to be audited."""
        instance = self._factory()
        scores = hasattr(instance, "bits") or hasattr(instance, "predict")
        if not scores or not isinstance(getattr(instance, "vocab_size", None), int):
            raise InputError(
                f"audit: expected a factory of something with vocab_size and bits, or reset, predict and observe, found {instance!r}"
            )
        return instance

    def ledger_rows(self, tokens: TokenIds) -> NDArray[np.floating]:
        """Return the bits that the predictor claims, (n - 1,), or (target, bits) in the order of scoring, (rows, 2)."""
        instance = self.new()
        return np.asarray(instance.bits(tokens)) if hasattr(instance, "bits") else _token_by_token(instance, tokens)[0]

    def bits(self, tokens: TokenIds) -> Doubles:
        """Return the bits of every target in the order of the text, (n - 1,); the first ones of a target scored several times."""
        return in_order(self.ledger_rows(tokens), len(tokens) - 1)

    def bits_without_update(self, tokens: TokenIds, number: int) -> Doubles:
        """Return the bits of every target, (n - 1,), with update `number` left out."""
        return in_order(np.asarray(self.new().without_update(tokens, number)), len(tokens) - 1)

    def events(self, tokens: TokenIds) -> list[Event]:
        """Return what happens while the text is scored."""
        return list(self.new().events(tokens))

    def distributions(self, tokens: TokenIds) -> Doubles:
        """Return the distribution that every target was given, (n - 1, V), asked for in sight of the whole text."""
        instance = self.new()
        if hasattr(instance, "distributions"):
            return np.asarray(instance.distributions(tokens), np.float64)
        return _token_by_token(instance, tokens)[1]


def in_order(rows: NDArray[np.floating], targets: int) -> Doubles:
    """Return the first bits of every target, (targets,), from ledger rows; infinite for a target that was never scored."""
    if rows.ndim == 1:
        rows = np.stack((np.arange(len(rows)), rows), axis=1)
    first_bits = np.full(targets, np.inf)
    for target, bits in rows[::-1].tolist():
        if 0 <= target < targets:
            first_bits[int(target)] = bits
    return first_bits


def _token_by_token(predictor: Any, tokens: TokenIds) -> tuple[Doubles, Doubles]:
    """Return the bits of every target, (n - 1,), and its distribution, (n - 1, V). The first token is observed, not predicted."""
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
