"""What pages about runs are made of, drawn up without training anything; and what a browser would make of a page."""

import math
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from bytegolf.contest.run_scores import RunScore
from bytegolf.proving.receipt import Receipt
from bytegolf.recipes import load_recipe
from bytegolf.reporting.run_report import DataReport, PageContents, RunReport
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.run_records import CourseRecord, OverlapRecord, PackRecord, ScoreRecord, TensorRecord
from support.records import MANIFEST as RECORDED

FIGURE = "sliding score of artifact.bgz"
MANIFEST = {**RECORDED, "bytes_per_token": 1 / math.log(2)}  # so that a nat a token is a bit a byte
EVENTS: list[dict[str, Any]] = [
    {"event": "step", "step": 10, "loss": 5.4321, "seconds": 1.0, "tokens_per_second": 24_680.0},
    {"event": "validate", "step": 10, "bpb": 2.8765, "artifact_bytes": 950_000},
    {"event": "qat", "step": 15, "bits": {"mlp": 4.0}},
    {"event": "step", "step": 20, "loss": 3.2123, "seconds": 3.0, "tokens_per_second": 24_680.0},
    {"event": "validate", "step": 20, "bpb": 1.8765, "artifact_bytes": 980_000},
    {"event": "done", "step": 20, "seconds": 3.0},
]
PACK: dict[str, Any] = {
    "bytes": 987_654,
    "budget": 1_000_000,
    "method": "rate",
    "coder": "range",
    "bpb_before": 1.11119,
    "bpb_after": 1.22229,
    "bpb_experts": 0.98765,
    "bits": {"mlp": 4.321},
    "bits_per_weight": 4.567,
    "sections": {"mlp": 613_411, "attention": 374_243, "container": 0},
    "tensors": {
        "banks.up": TensorRecord(weights=4000, rms=0.5, error=0.005, matrices=[0.004, 0.006]),
        "tokens": TensorRecord(weights=900, rms=2.0, error=0.0, matrices=[0.0]),
    },
}
TEXT = "héllo, world\n" * 3


def a_pack(**changes: Any) -> PackRecord:
    return PackRecord(**{**PACK, **changes})


def a_score(bpb: float = 0.98761, bpb_model: float | None = 1.22231, protocol: str = "sliding") -> ScoreRecord:
    return ScoreRecord(bpb=bpb, bpb_model=bpb_model, protocol=protocol, of="artifact.bgz", sha256="5c0e", bytes=2000, tokens=800)


def a_course(text: str = TEXT, *, experts: bool = True, protocol: str = "sliding") -> CourseRecord:
    """Of byte tokens behind a BOS: byte number n costs n % 5 bits, and twice that by the model alone."""
    content = text.encode()
    bits = [float(number % 5) for number in range(len(content))]
    return CourseRecord(
        protocol=protocol,
        of="artifact.bgz",
        sha256="5c0e",
        tokens=len(content),
        slice_bytes=[1] * len(content),
        slice_bits=bits,
        slice_bits_model=[2 * value for value in bits] if experts else None,
        first_tokens=[1, *(value + 4 for value in content)],
        first_bits=bits,
        first_bits_model=[2 * value for value in bits] if experts else None,
    )


def a_receipt(**changes: Any) -> Receipt:
    return Receipt(
        **{
            "ok": True, "verdict": "decodes to the text, at the size that was claimed", "protocol": "sliding", "bpb_claimed": 0.98761,
            "bpb_model": 1.22231, "bpb_coded": 0.9879, "bits_claimed": 1975.0, "coded_bytes": 247, "text_bytes": 2000, "tokens": 800,
            "sha256": "7e87" * 16, "artifact_bytes": 987_654, "artifact_sha256": "a47f" * 16, "proof_sha256": "900f" * 16,
            "two_part_bytes": 987_901, "two_part_bpb": 3951.6, "artifact": "artifact.bgz", "proof": "proof.bgc",
            "window": 256, "stride": 128, "experts": True, "sandboxed": True, "not_checked": ["whether the model was trained on this text"],
            "seconds": {"encode": 27.5, "decode": 71.9}, "date": "2026-11-27T08:48:25+00:00", "machine": {}, **changes,
        }
    )  # fmt: skip


def a_run(name: str = "run-1", *overrides: str, folder: Path | None = None, bpb: float = 0.98761, **changes: Any) -> RunReport:
    """A run that has everything; `overrides` are of its recipe, `bpb` is the figure that is compared."""
    recipe = load_recipe("tiny", overrides)
    score = RunScore(folder or Path(name), recipe.train.seed, bpb, FIGURE, "da7a", 2000, 2.5, "held-out text")
    contents: dict[str, Any] = {
        "manifest": MANIFEST,
        "events": EVENTS,
        "scores": [a_score()],
        "pack": a_pack(),
        "courses": [a_course()],
        "receipt": a_receipt(),
        "figures": {FIGURE: score},
        **changes,
    }
    return RunReport(name, folder or Path(name), recipe, **contents)


def some_data(**changes: Any) -> DataReport:
    manifest = {
        "source": "stdlib", "train_documents": 692, "train_bytes": 11_462_865, "train_tokens": 3_633_748, "val_documents": 39,
        "val_bytes": 655_776, "val_tokens": 219_492, "split": "sha256(key) % 20 == 0", "vocab_size": 2048, "tokenizer": "tokenizer.model",
    }  # fmt: skip
    overlap = OverlapRecord(ok=True, overlap_share=0.0, exact_duplicates=0, near_duplicates=0, val_documents=39, train_documents=692)
    compressors = [CompressorScore("xz -9e", 2.46813, 2.13579)]
    return DataReport(manifest, **{"compressors": compressors, "overlap": overlap, **changes})


def contents_of(*runs: RunReport, data: DataReport | None = None, left_out: tuple[str, ...] = ()) -> PageContents:
    return PageContents(" and ".join(run.name for run in runs), runs, data, left_out)


class ParsedPage(HTMLParser):
    """What a browser would make of a page: tags with attributes, and the text of each kind of tag."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.inside: list[str] = []
        self.feed(content)
        self.close()
        assert self.inside == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "input"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, "tags nest"

    def handle_data(self, data: str) -> None:
        for tag in {"page", *self.inside}:
            self.text[tag] = self.text.get(tag, "") + data + "\n"

    def having(self, word: str) -> list[Mapping[str, str | None]]:
        """Return the attributes of tags of a class."""
        return [attributes for _, attributes in self.tags if word in (attributes.get("class") or "").split()]
