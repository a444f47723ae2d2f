"""The verb score: what is scored, and which scores the run keeps."""

from dataclasses import replace
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import InputError
from bytegolf.flow.score import ScoreOptions, score_dataset
from bytegolf.names import ProtocolName
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.storage.data_folder import DataManifest
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data
from support.records import read_json
from support.runs import sha256


def test_the_last_validation_is_the_standard_score(copied: Path, data: Path) -> None:
    claimed = read_json(copied / "manifest.json")["val_bpb"]
    score = bg.score(copied, data, "standard")
    assert score.bpb == pytest.approx(claimed, rel=1e-6)
    assert claimed == RunFolder(copied).events()[-2]["bpb"]
    manifest = DataManifest.model_validate(read_json(data / "manifest.json"))
    assert (score.bytes, score.tokens, score.protocol) == (manifest.val_bytes, manifest.val_tokens - 1, "standard")
    assert score.bpb == score.bits / score.bytes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_score_is_kept_in_the_run(copied: Path, data: Path, protocol: ProtocolName) -> None:
    """With what was scored on what, so that nobody takes it for the score of anything else."""
    for source, scored in ((copied, copied / "weights.safetensors"), (copied / "artifact.bgz", copied / "artifact.bgz")):
        score = bg.score(source, data, protocol)
        kept = read_json(copied / f"score-{protocol}.json")
        assert kept == {**score.to_json(), "of": scored.name, "sha256": sha256(scored), "data": open_data(data).sha256}


def test_a_score_of_normalised_text_has_a_second_figure(copied: Path, data: Path) -> None:
    """Over the documents as they were; of a part it is not known how long they were."""
    opened = open_data(data)
    assert opened.manifest is not None
    manifest = opened.manifest.model_copy(update={"normalised": True, "val_original_bytes": 2 * opened.val_bytes})
    changed = replace(opened, manifest=manifest)
    whole, part = (score_dataset(copied, changed, "standard", ScoreOptions(limit)) for limit in (0, 500))
    assert whole.normalised and whole.original_bytes == 2 * whole.bytes and whole.bpb_original == whole.bpb / 2
    assert part.normalised and part.original_bytes is None and part.bpb_original is None
    assert not bg.score(copied, data, "standard").normalised


def test_an_unknown_protocol(copied: Path, data: Path) -> None:
    with pytest.raises(InputError, match="protocol: expected standard or sliding or streaming or ttt or lora, found 'magic'"):
        bg.score(copied, data, "magic")  # type: ignore[arg-type]


def test_the_run_scores_what_pack_said(copied: Path, data: Path) -> None:
    assert bg.score(copied, data, "sliding").bpb == read_json(copied / "pack.json")["bpb_before"]


def test_the_beginning_of_the_text(copied: Path, data: Path) -> None:
    whole, part = bg.score(copied, data, "standard"), bg.score(copied, data, "standard", limit_bytes=500)
    assert (part.bytes, part.tokens) == (500, 500) and part.bits < whole.bits
    assert read_json(copied / "score-standard.json")["bits"] == whole.bits, "a score of a part is not the run's"


def test_a_shorter_stride_sees_more(copied: Path, data: Path) -> None:
    fine, own, coarse = (bg.score(copied, data, "sliding", stride=stride) for stride in (1, 0, 32))
    assert own == bg.score(copied, data, "sliding", stride=8)
    assert len({fine.bits, own.bits, coarse.bits}) == 3 and fine.tokens == own.tokens == coarse.tokens
