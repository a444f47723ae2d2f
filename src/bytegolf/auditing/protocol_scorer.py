"""A packed model as a predictor under test: the bits of each token of any text by one of the protocols."""

import numpy as np

from bytegolf.arrays import Doubles
from bytegolf.auditing.adapter import TokenIds
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Truth
from bytegolf.proving.protocol_predictor import ProtocolPredictor, ProtocolSettings


class ProtocolScorer:
    """Scores texts as a proof codes them.

    `sliding` anchors its last window at the text's end and `ttt` lowers its learning rate until then, so both are told
    the length.
    """

    def __init__(self, model: GPT, protocol: ProtocolName, config: ScoreConfig, ttt: TttConfig) -> None:
        self.vocab_size = model.config.vocab_size
        self.knows_length = protocol in ("sliding", "ttt")
        self.model, self.settings = model, ProtocolSettings(protocol, config, ttt)

    def distributions(self, tokens: TokenIds) -> Doubles:
        """Return the distribution that each target is given, (n - 1, V)."""
        text = tokens.astype(np.uint16)
        predictor = ProtocolPredictor(self.model, self.settings, int(text[0]), len(text) - 1, lambda: Truth(text))
        rows = []
        for token in text[1:]:
            rows.append(predictor.predict()[0].astype(np.float64))
            predictor.observe(np.array([token]))
        return np.stack(rows)

    def bits(self, tokens: TokenIds) -> Doubles:
        """Return the bits of each target, (n - 1,)."""
        return -np.log2(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])
