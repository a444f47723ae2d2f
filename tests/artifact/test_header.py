"""Header and tokenizer come back from their sections; hostile ones are the business of test_hostile."""

import json
import zlib

import pytest

from bytegolf.artifact.grid_weights import GridStorage
from bytegolf.artifact.header import Header, compress_header, compress_tokenizer, expand_header, expand_tokenizer
from bytegolf.artifact.stored_weights import Storage
from bytegolf.artifact.trellis_weights import TrellisStorage
from bytegolf.config import ExpertsConfig, ModelConfig, ScoreConfig
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, CapitalsTokenizer

STORAGES = {
    "plain grid": GridStorage(kind="grid"),
    "mixed grid": GridStorage(kind="grid", coder="zstd", rows=["banks.kv"], kept={"tokens": [0]}),
    "trellis": TrellisStorage(kind="trellis"),
}


@pytest.mark.parametrize("case", STORAGES)
def test_round_trip(case: str) -> None:
    storage = STORAGES[case]
    assert isinstance(storage, GridStorage | TrellisStorage)
    experts = ExpertsConfig(enabled=True, orders=3) if case == "trellis" else None
    header = Header(model=ModelConfig(vocab_size=260), score=ScoreConfig(window=99), experts=experts, tokenizer="bytes", weights=storage)
    assert expand_header(compress_header(header)) == header


@pytest.mark.parametrize("loop", [{}, {"loops": 2}, {"loop_first": 1}, {"loop_first": 1, "loop_blocks": 2, "loops": 3}])
def test_every_key_is_named_but_those_of_weights(loop: dict[str, int]) -> None:
    model = ModelConfig.model_validate(loop)
    header = Header(model=model, score=ScoreConfig(), experts=None, tokenizer="bpe", weights=GridStorage(kind="grid"))
    plain = json.loads(zlib.decompress(compress_header(header)))
    assert plain["weights"] == {"kind": "grid"}
    assert plain["score"] == ScoreConfig().model_dump()
    assert plain["model"] == model.model_dump()
    assert expand_header(compress_header(header)) == header


def test_sections_follow_from_the_header() -> None:
    names = {case: storage.section_names for case, storage in STORAGES.items()}
    groups = ("mlp", "attention", "embedding", "table", "projection")
    assert names["plain grid"] == ("spacings", "controls", *groups)
    assert names["mixed grid"] == ("spacings", "controls", *groups, "row_spacings", "kept")
    assert names["trellis"] == ("spacings", "scales", "controls", *groups)
    with pytest.raises(NotImplementedError):
        _ = Storage().section_names


def test_tokenizers_come_back(bpe: BpeTokenizer) -> None:
    for tokenizer in (BytesTokenizer(), bpe, CapitalsTokenizer(bpe)):
        again = expand_tokenizer(tokenizer.kind, compress_tokenizer(tokenizer))
        assert (again.kind, again.serialised) == (tokenizer.kind, tokenizer.serialised)
