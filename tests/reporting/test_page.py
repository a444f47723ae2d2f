"""The page stands alone, shows the runs' numbers, says what is missing, and lets no name become markup."""

import time
from pathlib import Path
from typing import Any

import pytest

from bytegolf.reporting.page import LINKS, page, write_report
from bytegolf.reporting.run_report import RunReport
from bytegolf.storage.run_records import OverlapRecord
from bytegolf.text.tokenizer import BytesTokenizer
from support.reports import (
    EVENTS,
    MANIFEST,
    PACK,
    ParsedPage,
    a_course,
    a_pack,
    a_receipt,
    a_run,
    a_score,
    contents_of,
    some_data,
)

HOSTILE = "<script>alert('x')</script>&\"</title>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tokenizer of bytes, by which texts are shown."""
    place = tmp_path_factory.mktemp("runs") / "run-1"
    place.mkdir()
    (place / "bytes").write_bytes(BytesTokenizer().serialised)
    return place


@pytest.fixture(scope="module")
def whole(folder: Path) -> ParsedPage:
    """Of one run that has everything."""
    return ParsedPage(page(contents_of(a_run(folder=folder), data=some_data())))


def sections(shown: ParsedPage) -> list[str | None]:
    return [attributes["id"] for tag, attributes in shown.tags if tag == "section"]


def test_nothing_is_fetched(whole: ParsedPage) -> None:
    for tag, attributes in whole.tags:
        assert tag not in ("link", "iframe", "img", "base", "object", "embed")
        assert not {"src", "srcset", "action"} & set(attributes), (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in whole.text["style"] and "url(" not in whole.text["style"]
    assert "fetch(" not in whole.text["script"] and "http" not in whole.text["script"]


def test_every_section_of_a_run_that_has_everything(whole: ParsedPage) -> None:
    """In order, each under a link; one run is compared with none."""
    assert sections(whole) == [name for name in LINKS if name != "comparison"]
    assert [attributes["href"] for tag, attributes in whole.tags if tag == "a"] == [f"#{name}" for name in sections(whole)]
    assert not whole.text.get("aside"), "nothing is missing"


def test_the_headline(whole: ParsedPage) -> None:
    assert "run-1" in whole.text["title"] and "run-1" in whole.text["h1"]
    for shown in ("0.9876", "1.2223", "987,654", "proved", "8,642"):
        assert shown in whole.text["strong"], shown
    for shown in ("1.1112 before packing", "12,346 of 1,000,000 to spare", "247 bytes decode to 2,000", "22 min 38 s", FIGURE_WORDS):
        assert shown in whole.text["p"], shown


FIGURE_WORDS = "sliding score of artifact.bgz"


def test_every_chart_has_its_data_as_a_table(whole: ParsedPage) -> None:
    """Training, budget and text are lines, bytes a map, the rest rows."""
    cells = whole.text["td"] + whole.text["th"]
    for shown in ("5.4321", "2.8765", "613,411", "950,000", "banks.up", "2.4681", "2.1358", "'o'"):
        assert shown in cells, shown
    assert whole.text["summary"].count("The data as a table") == len(sections(whole)) - len(("proof", "data", "origin"))


def test_every_part_of_the_artifact(whole: ParsedPage) -> None:
    cells = whole.text["td"].split("\n")
    for section, size in PACK["sections"].items():
        place = cells.index(section)
        assert cells[place + 1 : place + 3] == [f"{size:,}", f"{100 * size / PACK['bytes']:.1f} %"]
    assert cells[cells.index("in all") + 1] == "987,654" and cells[cells.index("unused") + 1] == "12,346"


def test_the_evidence(whole: ParsedPage) -> None:
    for shown in ("7e87" * 16, "a47f" * 16, "900f" * 16, "decode 1 min 12 s", "in a sandbox"):
        assert shown in whole.text["table"], shown
    assert "Proved. " in whole.text["b"] and "No overlap. " in whole.text["b"]
    assert "bytegolf verify" in whole.text["code"] and "whether the model was trained on this text" in whole.text["li"]
    for shown in ("3.11.7", "2.13.0", "Linux", ("c0de" * 16)[:16], "sha256(key) % 20 == 0"):
        assert shown in whole.text["td"], shown


def test_a_proof_that_failed_and_data_that_overlap() -> None:
    receipt = a_receipt(ok=False, verdict="does not decode to the text")
    overlap = OverlapRecord(ok=False, overlap_share=0.25, exact_duplicates=9, near_duplicates=None, val_documents=39, train_documents=692)
    shown = ParsedPage(page(contents_of(a_run(receipt=receipt), data=some_data(overlap=overlap))))
    assert (
        "refuted" in shown.text["strong"] and "Refuted. " in shown.text["b"] and "The file does not decode to the text." in shown.text["p"]
    )
    assert "Overlap. " in shown.text["b"] and "25.0 %" in shown.text["p"] and "were not looked for" in shown.text["p"]


def test_data_that_was_not_audited() -> None:
    assert "bytegolf audit --data DATA" in ParsedPage(page(contents_of(a_run(), data=some_data(overlap=None)))).text["code"]


UNFINISHED: dict[str, Any] = {"manifest": None, "scores": [], "pack": None, "courses": [], "receipt": None, "figures": {}}


def bare(name: str = "bare") -> RunReport:
    return a_run(name, scores=[], pack=None, courses=[], receipt=None)


def test_a_run_that_was_only_trained() -> None:
    shown = ParsedPage(page(contents_of(bare())))
    assert sections(shown) == ["training", "budget", "proof", "origin"]
    assert "bytegolf pack bare --data DATA" in shown.text["aside"] and "1.2346" in shown.text["strong"]
    assert "standard score at the end of training" in shown.text["p"]


def test_a_run_that_has_not_ended() -> None:
    run = a_run(
        "killed", "train.max_steps=665", manifest=None, events=EVENTS[:4], scores=[], pack=None, courses=[], receipt=None, figures={}
    )
    shown = ParsedPage(page(contents_of(run)))
    assert "not finished, it stopped at step 20 of 665" in shown.text["aside"]
    assert "bytegolf train tiny --data DATA --out killed --resume" in shown.text["aside"]
    assert "when it has ended" in shown.text["p"] and "bytegolf prove" not in shown.text["code"]
    assert "nats per token" in shown.text["section"] and "training" in sections(shown), "its bytes per token are not known"


def test_a_run_without_a_step() -> None:
    """Imported, or killed before the first one was logged."""
    imported = a_run(manifest={**MANIFEST, "seconds": None, "steps": 0}, events=[{"event": "import", "checkpoint": "a.pt"}])
    shown = ParsedPage(page(contents_of(imported)))
    assert "no step in the log, as it was imported" in shown.text["aside"] and "training" not in sections(shown)
    begun = a_run("begun", events=[], **UNFINISHED)
    assert "before its first step was logged" in ParsedPage(page(contents_of(begun, a_run()))).text["aside"]


def test_what_several_runs_lack_is_said_once() -> None:
    shown = ParsedPage(page(contents_of(*(bare(f"run-{number}") for number in range(5)), left_out=("x/run: damaged",))))
    assert "5 runs" in shown.text["aside"] and shown.text["aside"].count("bytegolf pack RUN") == 1
    assert "Left out: x/run: damaged" in shown.text["aside"]


def test_several_runs_stand_side_by_side() -> None:
    runs = [a_run("first"), a_run("second", pack=None, scores=[a_score(1.5, None)], receipt=None), a_run("third", "train.seed=2")]
    shown = ParsedPage(page(contents_of(*runs)))
    rows = shown.text["th"]
    assert all(name in rows and name in shown.text["title"] for name in ("first", "second", "third"))
    assert "first" in shown.text["b"] and "is the best of 3 runs" in shown.text["p"] and len(shown.having("best")) == 1


def test_names_are_text(folder: Path) -> None:
    def written(word: str) -> ParsedPage:
        run = a_run(
            word,
            folder=folder,
            manifest={**MANIFEST, "recipe": word, "platform": word},
            pack=a_pack(sections={word: 3}, method=word),
            scores=[a_score(protocol=word)],
            receipt=a_receipt(verdict=word, ok=False),
            courses=[a_course(f"{word} {word}" if word == HOSTILE else "x" * len(f"{HOSTILE} {HOSTILE}"))],
        )
        return ParsedPage(page(contents_of(run, data=some_data(), left_out=(word,))))

    hostile, plain = written(HOSTILE), written("word")
    assert {tag for tag, _ in hostile.tags} == {tag for tag, _ in plain.tags}
    assert [tag for tag, _ in hostile.tags if tag in ("script", "style", "title")] == [
        tag for tag, _ in plain.tags if tag in ("script", "style", "title")
    ]
    assert HOSTILE in hostile.text["title"] and HOSTILE in hostile.text["h1"] and HOSTILE in hostile.text["td"]


def test_the_same_contents_give_the_same_page(folder: Path) -> None:
    assert page(contents_of(a_run(folder=folder))) == page(contents_of(a_run(folder=folder)))


def test_many_steps_are_soon_drawn() -> None:
    """Three runs of 5,000 logged steps; from start to end, see benchmarks/report.py."""
    events = [{"event": "step", "step": step, "loss": 3 - step / 4000, "seconds": step / 9} for step in range(1, 5001)]
    contents = contents_of(*(a_run(f"run-{seed}", f"train.seed={seed}", events=events) for seed in (1, 2, 3)))
    start = time.process_time()
    shown = page(contents)
    assert time.process_time() - start < 2 and len(shown) < 1_000_000


def test_an_old_page_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_report(path, contents_of(a_run()))
    write_report(path, contents_of(a_run("another")))
    assert "another" in ParsedPage(path.read_text("utf-8")).text["title"] and [entry.name for entry in path.parent.iterdir()] == [
        "page.html"
    ]
