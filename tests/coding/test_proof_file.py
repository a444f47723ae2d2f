"""`proof.bgc`: its tokens come back, or it says why not."""

from pathlib import Path

import numpy as np
import pytest

from bytegolf.coding.packed_model import PackedModel
from bytegolf.config import TttConfig
from bytegolf.errors import InputError
from bytegolf.names import ProtocolName
from bytegolf.proving.proof_file import read_proof, text_of, write_proof
from bytegolf.proving.protocol_predictor import ProtocolSettings
from bytegolf.scoring.protocols import PROTOCOLS
from support.proofs import SENTENCES, artifact_file, foreign, own
from support.proved_texts import CONTENT, TOKENS, settings_of


def quiet(_: int) -> None:
    """Take progress."""


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> PackedModel:
    return PackedModel(artifact_file(tmp_path_factory.mktemp("artifact")))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("stride", [3, 8])
def test_tokens_come_back(packed: PackedModel, protocol: ProtocolName, stride: int) -> None:
    config = packed.artifact.score.model_copy(update={"stride": stride})
    done: list[int] = []
    ttt = TttConfig(chunk_tokens=70, lr=0.01, freeze_blocks=1, momentum=0.5, grad_clip=0)
    coded = write_proof(packed, ProtocolSettings(protocol, config, ttt), TOKENS, done.append)
    assert (read_proof(coded, packed, "proof", done.append) == TOKENS).all()
    assert sum(done) == 2 * (len(TOKENS) - 1)


def test_settings_that_are_the_default_take_no_room(packed: PackedModel) -> None:
    text = TOKENS[:20]  # less than a chunk, so that nothing is learned
    usual, changed = (
        len(write_proof(packed, ProtocolSettings("ttt", packed.artifact.score, ttt), text, quiet))
        for ttt in (TttConfig(), TttConfig(lr=0.5))
    )
    sliding = len(write_proof(packed, settings_of(packed, "sliding"), text, quiet))
    assert (usual - sliding, changed - sliding) == (1, 1 + len("0:0.5"))


def test_a_damaged_proof_is_refused(proof_folder: Path) -> None:
    packed, sound = PackedModel(proof_folder / "model.bgz"), (proof_folder / "proof.bgc").read_bytes()
    rng = np.random.default_rng(0)
    damaged = [sound[:cut] for cut in range(0, len(sound), 40)] + [sound + bytes(4)]
    places = rng.choice(len(sound), 24, replace=False)
    damaged += [sound[:place] + bytes([sound[place] ^ 1 << rng.integers(8)]) + sound[place + 1 :] for place in places]
    for data in damaged:
        with pytest.raises(InputError, match=r"proof\.bgc: expected"):
            read_proof(data, packed, "proof.bgc", quiet)


def test_another_artifact_is_refused(proof_folder: Path, tmp_path: Path) -> None:
    other = PackedModel(artifact_file(tmp_path, foreign()))
    with pytest.raises(InputError, match="proof: expected the artifact it was made with"):
        read_proof((proof_folder / "proof.bgc").read_bytes(), other, "proof", quiet)


def test_the_first_token_is_given_and_no_part_of_the_text() -> None:
    assert text_of(own(), TOKENS) == CONTENT
    tokens = own().encode(SENTENCES[0])
    assert text_of(own(), tokens) == own().decode(tokens)[len(own().decode(tokens[:1])) :]
