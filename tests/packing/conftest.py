"""A tokenizer of real size, trained once on text of the standard library, and a small model that has learned something."""

import os
from pathlib import Path

import pytest

from bytegolf.text.tokenizer import BpeTokenizer
from bytegolf.text.tokenizer_training import train_bpe
from support.trained import Trained, train_small


@pytest.fixture(scope="session")
def bpe() -> BpeTokenizer:
    """1,024 pieces from a megabyte."""
    modules = sorted(Path(os.__file__).parent.glob("*.py"))[:40]
    return train_bpe([path.read_text("utf-8") for path in modules], 1024)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_small(tmp_path_factory.mktemp("trained"))
