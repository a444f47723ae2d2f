"""`proof.bgc`: its tokens come back, or it says why not."""

from pathlib import Path

import numpy as np
import pytest

from bytegolf.coding.bgc_file import Head, UnreadableError
from bytegolf.coding.codec import DamagedError
from bytegolf.coding.compressor import Compressor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.proof_file import PROTOCOLS, TEXT_HEAD, text_of, write_proof
from bytegolf.coding.protocol_predictor import ProtocolSettings
from bytegolf.config import ExpertsConfig
from bytegolf.errors import InputError
from bytegolf.names import ProvableName
from bytegolf.scoring.exact import score_exactly
from support.proofs import SENTENCES, artifact_file, foreign, own
from support.proved_texts import CONTENT, EXPERTS, TOKENS, read, settings_of


def quiet(_: int) -> None:
    """Take progress."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedModel:
    return PackedModel(artifact_file(tmp_path_factory.mktemp("artifact"), experts=EXPERTS))


@pytest.mark.parametrize("experts", [None, EXPERTS], ids=["alone", "with experts"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stride", [3, 8])
def test_tokens_come_back_at_the_bits_of_the_score(
    packed: PackedModel, protocol: ProvableName, stride: int, experts: ExpertsConfig | None
) -> None:
    config = packed.artifact.score.model_copy(update={"stride": stride})
    proof = write_proof(packed, ProtocolSettings(protocol, config, experts), TOKENS, len(CONTENT), quiet)
    proved = read(proof.data, packed)
    assert (proved.tokens == TOKENS).all()
    assert proved.settings == ProtocolSettings(protocol, config, experts)
    score = score_exactly(packed.model, TOKENS, len(CONTENT), protocol, config, experts=experts)
    assert proof.score.bits == pytest.approx(score.bits, rel=1e-12) and proof.score.bytes == len(CONTENT)
    assert proved.score.bits == pytest.approx(score.bits, rel=1e-12)
    assert proved.score.bits_model == (None if experts is None else pytest.approx(score.bits_model, rel=1e-12))
    assert 0 <= len(proof.data) - score.bits / 8 < 40, "the head, and a word at the end"


def test_a_damaged_proof_is_refused(packed: PackedModel) -> None:
    sound = write_proof(packed, settings_of(packed, "sliding"), TOKENS, len(CONTENT), quiet).data
    rng = np.random.default_rng(0)
    damaged = [sound[:cut] for cut in range(0, len(sound), 40)] + [sound + bytes(4)]
    places = rng.choice(len(sound), 24, replace=False)
    damaged += [sound[:place] + bytes([sound[place] ^ 1 << rng.integers(8)]) + sound[place + 1 :] for place in places if not 5 <= place < 9]
    for data in damaged:
        with pytest.raises((UnreadableError, DamagedError)):
            read(data, packed)


def test_experts_that_the_artifact_has_not_are_refused(tmp_path: Path) -> None:
    packed = PackedModel(artifact_file(tmp_path))
    head = Head(1, packed.digest).to_bytes() + TEXT_HEAD.pack(1, 1, 8, 1, bytes(4))
    with pytest.raises(UnreadableError, match="a damaged head"):
        read(head + bytes(8), packed)


def test_decompress_gives_the_text_of_a_proof(packed: PackedModel, tmp_path: Path) -> None:
    proof = write_proof(packed, settings_of(packed, "streaming"), TOKENS, len(CONTENT), quiet).data
    (tmp_path / "proof.bgc").write_bytes(proof)
    result = Compressor(packed).decompress(tmp_path / "proof.bgc", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert (result.bytes_in, result.bytes_out) == (len(proof), len(CONTENT))
    (tmp_path / "proof.bgc").write_bytes(proof[:-4])
    with pytest.raises(InputError, match=r"proof\.bgc: expected a file that bytegolf compressed"):
        Compressor(packed).decompress(tmp_path / "proof.bgc", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_another_artifact_is_refused(packed: PackedModel, tmp_path: Path) -> None:
    other = Compressor(PackedModel(artifact_file(tmp_path, foreign())))
    (tmp_path / "proof.bgc").write_bytes(write_proof(packed, settings_of(packed, "standard"), TOKENS, len(CONTENT), quiet).data)
    with pytest.raises(InputError, match=r"proof\.bgc: expected the artifact it was made with"):
        other.decompress(tmp_path / "proof.bgc", tmp_path / "out")


def test_the_first_token_is_given_and_no_part_of_the_text() -> None:
    assert text_of(own(), TOKENS) == CONTENT
    tokens = own().encode(SENTENCES[0])
    assert text_of(own(), tokens) == own().decode(tokens)[len(own().decode(tokens[:1])) :]
