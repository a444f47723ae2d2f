"""The whole review: verdict, facts, what stands beside."""

import json
from pathlib import Path

import pytest

from bytegolf.contest.page import as_markdown, as_text
from bytegolf.contest.review import script_of
from bytegolf.errors import InputError
from support.contest_scripts import reviewed, script


def test_a_clean_script(tmp_path: Path) -> None:
    review = reviewed(tmp_path, script())
    assert (review.verdict, review.findings, review.undecided) == ("clean", (), ())
    assert review.facts == {"layers": 9, "width": 512, "heads": None, "kv_heads": None, "vocabulary": 1024}
    assert "9 layers, 512 width, 1,024 vocabulary" in as_text(review) and "LOOKS CLEAN" in as_markdown(review)


def test_facts_are_those_of_the_run(tmp_path: Path) -> None:
    assert reviewed(tmp_path, script(), train__log="num_layers:12\n").facts["layers"] == 12


def test_nothing_of_a_script_is_run(tmp_path: Path) -> None:
    written = tmp_path / "written"
    review = reviewed(tmp_path / "hostile", f"import os\nopen({str(written)!r}, 'w').write('x')\nos._exit(7)\n")
    assert review.verdict == "clean" and not written.exists()


def test_claims_beside_a_script(tmp_path: Path) -> None:
    claims = json.dumps({"val_bpb": 1.0, "bytes_total": 16_000_001})
    review = reviewed(tmp_path, script(), submission__json=claims, train__log="val_loss:2.07 val_bpb:1.2259\n")
    assert {(item.rule, item.file, item.weight) for item in review.findings} >= {
        ("size", "submission.json", "disputed"),
        ("log-mismatch", "submission.json", "disputed"),
    }
    assert review.verdict == "clean" and review.claimed_bpb == 1.0 and "over the cap" in as_text(review)


def test_the_script_of_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with train_gpt\.py, found none"):
        script_of(tmp_path)
    (tmp_path / "train_gpt.py").write_text("")
    assert script_of(tmp_path) == script_of(tmp_path / "train_gpt.py") == tmp_path / "train_gpt.py"
