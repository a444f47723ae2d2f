"""The verb pack: artifacts fill their budget and stay below."""

import json
import re
from pathlib import Path

import pytest

import bytegolf as bg
from bytegolf.errors import InputError
from support.records import read_json
from support.runs import sha256


@pytest.mark.parametrize(("budget", "reserve"), [(30_000, 0), (30_000, 7_000), (12_345, 0), (9_000, 1), (0, 0), (1_000_000, 0)])
def test_an_artifact_fills_its_budget_and_stays_below(copied: Path, tmp_path: Path, budget: int, reserve: int) -> None:
    result = bg.pack(copied, budget=budget, reserve=reserve, out=tmp_path / "a.bgz")
    limit = (budget or 30_000) - reserve
    assert result.bytes == (tmp_path / "a.bgz").stat().st_size <= limit
    assert result.bytes >= limit - max(1000, limit // 1000) or limit > 40_000, "40 kB hold all that twelve bits can say"
    assert (result.budget, result.bpb_before, result.bpb_after) == (budget or 30_000, None, None)
    assert result.bits_per_weight == 8 * result.bytes / result.parameters > result.entropy_bits_per_weight
    assert sum(result.sections.values()) == result.bytes
    before = read_json(copied / "pack.json")
    assert before["file"] != result.file, "of another file, the run's own is as it was"
    own = bg.pack(copied, budget=budget, reserve=reserve)
    assert read_json(copied / "pack.json") == json.loads(json.dumps(own.to_json()))


def test_a_large_budget_loses_nothing(copied: Path, data: Path) -> None:
    result = bg.pack(copied, budget=10_000_000, data=data)
    assert result.bpb_before is not None and result.bpb_after is not None
    assert abs(result.bpb_after - result.bpb_before) < 1e-3


def test_the_smallest_size_is_said_and_can_be_had(copied: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the smallest possible, found 2,000") as caught:
        bg.pack(copied, budget=2_000, reserve=500)
    smallest = int(re.findall(r"at least ([\d,]+) bytes", str(caught.value))[0].replace(",", ""))
    assert bg.pack(copied, budget=smallest, reserve=500, out=tmp_path / "a.bgz").bytes == smallest - 500
    with pytest.raises(InputError, match=f"at least {smallest:,} bytes"):
        bg.pack(copied, budget=smallest - 1, reserve=500)


def test_packing_again_gives_the_same_file(copied: Path, data: Path) -> None:
    before = sha256(copied / "artifact.bgz")
    bg.pack(copied, data=data, scored=False)
    assert sha256(copied / "artifact.bgz") == before


def test_a_mistake_about_the_data_costs_no_artifact(copied: Path, tmp_path: Path) -> None:
    """The data is opened before the artifact is replaced."""
    before = sha256(copied / "artifact.bgz")
    with pytest.raises(InputError, match="expected a data folder, found nothing"):
        bg.pack(copied, budget=20_000, data=tmp_path / "none")
    assert sha256(copied / "artifact.bgz") == before
