"""The verbs prove and verify: what is proved is the held-out text of a data folder."""

from hashlib import sha256
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import ParameterError
from bytegolf.sandbox import sandbox_available
from bytegolf.text.tokenizer import Tokenizer
from support.proofs import SENTENCES, artifact_file, marking, own


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("data"), own())


def prepared(folder: Path, tokenizer: Tokenizer) -> Path:
    (folder / "texts").mkdir()
    for i in range(6):
        (folder / "texts" / f"{i}.txt").write_text(SENTENCES[i] * 3)
    (folder / "t.model").write_bytes(tokenizer.serialised)
    bg.prepare([str(folder / "texts")], folder / "data", tokenizer=str(folder / "t.model"), val_docs=2)
    return folder / "data"


def test_held_out_text_is_proved_and_verified(data: Path, tmp_path: Path) -> None:
    isolated = sandbox_available()
    result = bg.prove(artifact_file(tmp_path), data, "streaming", limit_bytes=100, sandbox=isolated)
    assert result.ok and 90 <= result.text_bytes <= 100
    assert (result.protocol, result.sandboxed) == ("streaming", isolated)
    assert bg.verify(tmp_path / "receipt.json", sandbox=isolated).ok


def test_text_whose_capitals_are_marked_is_proved_to_the_letter(tmp_path: Path) -> None:
    data, path = prepared(tmp_path, marking()), artifact_file(tmp_path, marking())
    result = bg.prove(path, data, "streaming", limit_bytes=90, sandbox=False)
    assert result.ok and 80 <= result.text_bytes <= 90
    assert result.sha256 == sha256((SENTENCES[0] * 3).encode()[: result.text_bytes]).hexdigest()


def test_a_claim_is_the_score(data: Path, tmp_path: Path) -> None:
    path = artifact_file(tmp_path)
    claimed = bg.prove(path, data, "streaming", limit_bytes=60, stride=4, sandbox=False)
    score = bg.score(path, data, "streaming", limit_bytes=60, stride=4, exact=True)
    assert (claimed.text_bytes, claimed.tokens, claimed.stride) == (score.bytes, score.tokens, 4)
    assert claimed.bpb_claimed == pytest.approx(score.bpb, rel=1e-12)
    in_torch = bg.score(path, data, "streaming", limit_bytes=60, stride=4)
    assert claimed.bpb_claimed == pytest.approx(in_torch.bpb, rel=1e-4)


def test_parameters_that_cannot_be_are_named(data: Path, tmp_path: Path) -> None:
    path = artifact_file(tmp_path)
    with pytest.raises(ParameterError, match="stride: expected at most the window of"):
        bg.prove(path, data, stride=10**6)
    with pytest.raises(ParameterError, match="protocol: expected another protocol than ttt"):
        bg.prove(path, data, "ttt")
    with pytest.raises(ParameterError, match="exact: expected another protocol than ttt"):
        bg.score(path, data, "ttt", exact=True)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
