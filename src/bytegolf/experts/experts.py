"""Experts: an object that takes the model's distribution over the next token and gives a better one, then learns which token came.

L lanes are texts side by side, of V tokens each may be one. They share what they learn, position by position, the first lane first.
"""

import numpy as np
from numpy.typing import NDArray

from bytegolf.config import ExpertsConfig
from bytegolf.experts.contexts import contexts_of
from bytegolf.experts.decisions import Frequencies, new_mixers, no_decisions
from bytegolf.experts.functions import compiled
from bytegolf.experts.linear import empty_sight, new_shares
from bytegolf.experts.matches import no_matches
from bytegolf.experts.records import empty_records
from bytegolf.experts.split import ALL, FIRST_TRUST, Rates, State, learn_from, split


class Experts:
    """Improves the predictions for `lanes` texts."""

    def __init__(self, config: ExpertsConfig, vocab_size: int, lanes: int = 1) -> None:
        self.config, self.vocab_size, self.lanes = config, vocab_size, lanes
        self.reset()

    def reset(self) -> None:
        """Forget all that was learned."""
        config, contexts = self.config, contexts_of(self.config)
        self.state = State(
            contexts=contexts,
            rates=Rates(config.linear_rate, config.logistic_rate, config.logistic_rate / 10, config.match),
            records=empty_records(config.table_bits),
            matches=no_matches(self.lanes, config.history_bits),
            shares=new_shares(len(contexts)),
            mixers=new_mixers(len(contexts), self.vocab_size),
            gate=np.full(1, FIRST_TRUST),
            sight=empty_sight(self.lanes, len(contexts), self.vocab_size),
            decisions=no_decisions(self.lanes, len(contexts), config.candidates),
        )
        self.rows = np.ones((self.lanes, self.vocab_size), np.int64)

    def predict(self, rows_LV: Frequencies) -> Frequencies:
        """Return the frequencies of the next token in each lane, (L, V), given the model's."""
        self.rows = rows_LV
        improved = np.empty_like(rows_LV)
        _predict(self.state, rows_LV, improved)
        return improved

    def update(self, tokens_L: NDArray[np.integer]) -> None:
        """Take the token that came in each lane."""
        _update(self.state, self.rows, tokens_L.astype(np.int64))

    def score(self, rows_TLV: Frequencies, tokens_TL: NDArray[np.integer]) -> Frequencies:
        """Return the frequency of each token, (T, L), as `predict` and `update` by turns would find it. All of them are learned."""
        frequencies = np.empty(tokens_TL.shape, np.int64)
        _score(self.state, rows_TLV, tokens_TL.astype(np.int64), frequencies)
        return frequencies


@compiled
def _predict(state: State, rows_LV: Frequencies, out_LV: Frequencies) -> None:
    for lane in range(len(rows_LV)):
        split(state, lane, rows_LV[lane], ALL, out_LV[lane])


@compiled
def _update(state: State, rows_LV: Frequencies, tokens_L: Frequencies) -> None:
    for lane in range(len(rows_LV)):
        learn_from(state, lane, rows_LV[lane], tokens_L[lane])


@compiled
def _score(state: State, rows_TLV: Frequencies, tokens_TL: Frequencies, out_TL: Frequencies) -> None:
    for position in range(len(rows_TLV)):
        rows, tokens = rows_TLV[position], tokens_TL[position]
        for lane in range(len(rows)):
            out_TL[position, lane] = split(state, lane, rows[lane], tokens[lane], rows[lane])
        for lane in range(len(rows)):
            learn_from(state, lane, rows[lane], tokens[lane])
