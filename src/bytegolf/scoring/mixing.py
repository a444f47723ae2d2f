"""The model's distributions, improved by experts on their way to the ledger."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from bytegolf.arrays import Doubles, TokenSequence
from bytegolf.exact.arithmetic import LN_2
from bytegolf.exact.output import Frequencies, nats_of_frequencies
from bytegolf.experts.experts import Experts
from bytegolf.scoring.ledger import Ledger


class TargetRows(NamedTuple):
    """What the model says of the targets `first`, `first` + 1, …: a distribution for each, (n, V)."""

    first: int
    frequencies: Frequencies


class ScoredTargets(NamedTuple):
    """Nats of the targets `first`, `first` + 1, …, (n,); with experts, also those by the model alone."""

    first: int
    nats: Doubles
    nats_model: Doubles | None = None

    def recorded(self, ledger: Ledger) -> int:
        """Enter the bits in a ledger and return how many targets they are of."""
        ledger.record(self.first, self.nats / LN_2, None if self.nats_model is None else self.nats_model / LN_2)
        return len(self.nats)


def improved(rows: Iterable[TargetRows], tokens: TokenSequence, experts: Experts) -> Iterator[ScoredTargets]:
    """Yield the nats of targets after one text's experts have improved what the model says. They learn of each target when it is scored."""
    for first, frequencies_nV in rows:
        targets = tokens[first + 1 : first + 1 + len(frequencies_nV)].astype(np.int64)
        model = frequencies_nV[np.arange(len(targets)), targets]
        mixed = experts.score(frequencies_nV[:, None], targets[:, None])[:, 0]
        yield ScoredTargets(first, nats_of_frequencies(mixed), nats_of_frequencies(model))
