"""A tokenizer and a file to damage, made once."""

import argparse
import inspect

import pytest

from bytegolf.text.tokenizer import BpeTokenizer
from bytegolf.text.tokenizer_training import train_bpe
from support.artifacts import small_file


@pytest.fixture(scope="session")
def bpe() -> BpeTokenizer:
    return train_bpe([inspect.getsource(argparse)], 512)


@pytest.fixture(scope="session")
def sound() -> bytes:
    """A file with every section in use."""
    return small_file()
