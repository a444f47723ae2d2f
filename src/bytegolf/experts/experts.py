"""Experts: an object that takes the model's distribution over the next token and gives a better one, then learns which token came.

L lanes are texts side by side, of a vocabulary of V tokens. They share what they learn, position by position, the first lane first.
"""

import math

import numpy as np
from numpy.typing import NDArray

from bytegolf.compiling import compiled_without_counts
from bytegolf.config import ExpertsConfig
from bytegolf.experts.contexts import contexts_of
from bytegolf.experts.decisions import TokenFrequencies, new_mixers, no_decisions
from bytegolf.experts.linear import empty_mixture, new_shares
from bytegolf.experts.matches import no_matches
from bytegolf.experts.records import empty_records
from bytegolf.experts.split import ALL, FIRST_TRUST, ExpertsState, Rates, learn_from, split

AnyFrequencies = NDArray[np.int64] | NDArray[np.uint64]
TokenNumbers = NDArray[np.int64]


class Experts:
    """Improves the predictions for `lanes` texts.

    TokenFrequencies are whole numbers from 1 up, below 2**52 in sum. Those that come in may have any sum, those that go out have
    `split.TOTAL`.
    """

    def __init__(self, config: ExpertsConfig, vocab_size: int, lanes: int = 1) -> None:
        self.config, self.vocab_size, self.lanes = config, vocab_size, lanes
        self.reset()

    def reset(self) -> None:
        """Forget all that was learned."""
        config, contexts = self.config, contexts_of(self.config)
        candidates = min(config.candidates, self.vocab_size - 1)  # a token must be left for what they leave
        rate = config.logistic_rate / math.sqrt(math.sqrt(self.lanes))  # steps of many lanes at once, from one place, overshoot
        self._state = ExpertsState(
            contexts=contexts,
            rates=Rates(config.linear_rate, rate, rate / 10, config.match),
            records=empty_records(config.table_bits),
            matches=no_matches(self.lanes, config.history_bits),
            shares=new_shares(len(contexts)),
            mixers=new_mixers(len(contexts), self.vocab_size),
            gate=np.full(1, FIRST_TRUST),
            mixture=empty_mixture(self.lanes, len(contexts), self.vocab_size),
            decisions=no_decisions(self.lanes, len(contexts), candidates),
        )
        self._rows: TokenFrequencies | None = None

    def predict(self, rows_LV: AnyFrequencies) -> TokenFrequencies:
        """Return the frequencies of the next token in each lane, (L, V), given the model's."""
        self._rows = _checked(rows_LV, (self.lanes, self.vocab_size))
        improved = np.empty_like(self._rows)
        _predict(self._state, self._rows, improved)
        return improved

    def update(self, tokens_L: NDArray[np.integer]) -> None:
        """Learn which token came in each lane, after `predict`."""
        if self._rows is None:
            raise RuntimeError("update learns from what predict said before: call predict first, once for every token")
        _update(self._state, self._rows, self._known(tokens_L, (self.lanes,)))
        self._rows = None

    def score(self, rows_TLV: AnyFrequencies, tokens_TL: NDArray[np.integer]) -> TokenFrequencies:
        """Return the frequency of each token, (T, L), as `predict` and `update` by turns would find it. All of them are learned."""
        length = len(tokens_TL)
        rows = _checked(rows_TLV, (length, self.lanes, self.vocab_size))
        tokens = self._known(tokens_TL, (length, self.lanes))
        frequencies, self._rows = np.empty(tokens.shape, np.int64), None
        _score(self._state, rows, tokens, frequencies)
        return frequencies

    def _known(self, tokens: NDArray[np.integer], shape: tuple[int, ...]) -> TokenNumbers:
        """Return tokens as the compiled functions take them, which look at no bounds."""
        if tokens.shape != shape or (tokens.size and not 0 <= tokens.min() <= tokens.max() < self.vocab_size):
            raise ValueError(f"expected tokens below {self.vocab_size} in shape {shape}, not {tokens.shape}")
        return np.ascontiguousarray(tokens, np.int64)


def _checked(rows: AnyFrequencies, shape: tuple[int, ...]) -> TokenFrequencies:
    """Return the model's frequencies as the compiled functions take them."""
    if rows.shape != shape:
        raise ValueError(f"expected frequencies in shape {shape}, not {rows.shape}")
    return np.ascontiguousarray(rows).view(np.int64)


@compiled_without_counts
def _predict(state: ExpertsState, rows_LV: TokenFrequencies, out_LV: TokenFrequencies) -> None:
    for lane in range(len(rows_LV)):
        split(state, lane, rows_LV[lane], ALL, out_LV[lane])


@compiled_without_counts
def _update(state: ExpertsState, rows_LV: TokenFrequencies, tokens_L: TokenNumbers) -> None:
    for lane in range(len(rows_LV)):
        learn_from(state, lane, rows_LV[lane], tokens_L[lane])


@compiled_without_counts
def _score(state: ExpertsState, rows_TLV: TokenFrequencies, tokens_TL: TokenNumbers, out_TL: TokenFrequencies) -> None:
    for position in range(len(rows_TLV)):
        rows, tokens = rows_TLV[position], tokens_TL[position]
        for lane in range(len(rows)):
            out_TL[position, lane] = split(state, lane, rows[lane], tokens[lane], rows[lane])
        for lane in range(len(rows)):
            learn_from(state, lane, rows[lane], tokens[lane])
