"""A packed model as the audit takes it: what each token of any text costs by one of the protocols."""

import numpy as np

from bytegolf.auditing.adapter import Floats, Text
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.model.gpt import GPT
from bytegolf.names import ProtocolName
from bytegolf.proving.guesses import Truth
from bytegolf.proving.protocol_predictor import ProtocolPredictor, ProtocolSettings


class ProtocolScorer:
    """Scores as a proof codes.

    `sliding` anchors its last window at the text's end and `ttt` lowers its rate until then, so both are told the length.
    """

    def __init__(self, model: GPT, protocol: ProtocolName, config: ScoreConfig, ttt: TttConfig) -> None:
        self.vocab_size = model.config.vocab_size
        self.knows_length = protocol in ("sliding", "ttt")
        self.model, self.settings = model, ProtocolSettings(protocol, config, ttt)

    def distributions(self, tokens: Text) -> Floats:
        """What each target was given, (n - 1, V)."""
        text = tokens.astype(np.uint16)
        predictor = ProtocolPredictor(self.model, self.settings, int(text[0]), len(text) - 1, lambda: Truth(text))
        rows = []
        for token in text[1:]:
            rows.append(predictor.predict()[0].astype(np.float64))
            predictor.observe(np.array([token]))
        return np.stack(rows)

    def costs(self, tokens: Text) -> Floats:
        """Bits of each target, (n - 1,)."""
        return -np.log2(self.distributions(tokens)[np.arange(len(tokens) - 1), tokens[1:]])
