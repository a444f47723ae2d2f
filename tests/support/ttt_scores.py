"""Scores with test-time training, of small texts in small chunks."""

from torch import nn

from bytegolf.arrays import Tokens
from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.protocols import score_tokens
from support.scored_texts import config

WINDOW, STRIDE, CHUNK = 8, 3, 20
LAYOUT = config(WINDOW, STRIDE)


def ttt(**values: float) -> TttConfig:
    """Return settings that differ from usual ones for small texts by `values`."""
    return TttConfig.model_validate({"chunk_tokens": CHUNK, "lr": 0.05, "epochs": 2, "batch_sequences": 2, **values})


def score(model: nn.Module, tokens: Tokens, how: TttConfig, layout: ScoreConfig = LAYOUT) -> Score:
    """Return the score of a text."""
    return score_tokens(model, tokens, 1, "ttt", layout, ttt=how)  # type: ignore[arg-type]
