"""A packed model as a predictor under test: the bits of each token of any text by one of the protocols, with experts or without."""

from collections.abc import Callable, Iterable

import numpy as np
import torch

from bytegolf.arrays import Doubles, Tokens
from bytegolf.auditing.adapter import TokenIds
from bytegolf.config import ExpertsConfig, LoraConfig, ScoreConfig, TttConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.output import TOTAL
from bytegolf.experts.experts import Experts
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName, ProvableName
from bytegolf.scoring.exact import exact_rows
from bytegolf.scoring.mixing import TargetRows
from bytegolf.scoring.passes import Reading
from bytegolf.scoring.protocols import read_rows


class ProtocolScorer:
    """Scores texts as `score` does.

    `sliding` anchors its last window at the text's end and `ttt` lowers its learning rate until then, so both are told
    the length.
    """

    def __init__(
        self, vocab_size: int, protocol: ProtocolName, read: Callable[[Tokens], Iterable[TargetRows]], experts: ExpertsConfig | None
    ) -> None:
        self.vocab_size, self.read, self.experts = vocab_size, read, experts
        self.knows_length = protocol in ("sliding", "ttt")

    @classmethod
    def of(
        cls, model: GPT, protocol: ProtocolName, config: ScoreConfig, ttt: TttConfig, lora: LoraConfig, experts: ExpertsConfig | None = None
    ) -> "ProtocolScorer":
        """Return the scorer of a model in torch."""

        def read(text: Tokens) -> Iterable[TargetRows]:
            return read_rows(Reading(model.eval(), text, config, ttt, lora), protocol)

        return cls(model.config.vocab_size, protocol, read, experts)

    @classmethod
    def exact(
        cls, model: ExactModel, protocol: ProvableName, config: ScoreConfig, experts: ExpertsConfig | None = None
    ) -> "ProtocolScorer":
        """Return the scorer of a model in exact arithmetic."""
        return cls(model.config.vocab_size, protocol, lambda text: exact_rows(model, text, protocol, config), experts)

    @torch.inference_mode()
    def distributions(self, tokens: TokenIds) -> Doubles:
        """Return the distribution that each target is given, (n - 1, V)."""
        text, experts = tokens.astype(np.uint16), Experts(self.experts, self.vocab_size) if self.experts else None
        distributions = []
        for first, rows_nV in self.read(text):
            for target, row_V in enumerate(rows_nV, first):
                mixed_1V = experts.predict(row_V[None]) if experts else row_V[None]
                if experts:
                    experts.update(tokens[target + 1 : target + 2])
                distributions.append(mixed_1V[0] / TOTAL)
        return np.stack(distributions)

    def bits(self, tokens: TokenIds) -> Doubles:
        """Return the bits of each target, (n - 1,)."""
        return -np.log2(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])
