"""Texts to score, and score settings for them."""

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.config import ScoreConfig


def random_tokens(count: int, vocab_size: int = 11, seed: int = 0) -> Tokens:
    """Return a text of random tokens in which a few documents begin."""
    tokens = np.random.default_rng(seed).integers(0, vocab_size, count).astype(np.uint16)
    tokens[:: max(3, count // 4)] = 1  # BOS
    return tokens


def config(window: int, stride: int, batch_tokens: int = 64) -> ScoreConfig:
    """Return settings by position."""
    return ScoreConfig(window=window, stride=stride, batch_tokens=batch_tokens)
