"""Tokenizers trained once."""

import pytest

from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer, train_bpe
from support.corpora import SOURCE, foreign_model


@pytest.fixture(scope="session")
def bpe() -> BpeTokenizer:
    """512 pieces, with runs of spaces among them."""
    return train_bpe([SOURCE], 512)


@pytest.fixture(scope="session", params=["bpe", "bytes"])
def tokenizer(request: pytest.FixtureRequest, bpe: BpeTokenizer) -> Tokenizer:
    return bpe if request.param == "bpe" else BytesTokenizer()


@pytest.fixture(scope="session")
def normalising() -> bytes:
    """A model that folds characters and spaces, and puts a space before each text."""
    return foreign_model(normalization_rule_name="nmt_nfkc", add_dummy_prefix=True)
