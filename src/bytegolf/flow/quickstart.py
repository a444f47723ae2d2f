"""The whole flow in one call, by default on the source of Python's own standard library."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.flow.audit import audit_data
from bytegolf.flow.compare_compressors import compare_compressors
from bytegolf.flow.pack import PackResult, pack
from bytegolf.flow.prepare import prepare
from bytegolf.flow.prove import prove
from bytegolf.flow.report import report
from bytegolf.flow.score import score
from bytegolf.flow.train import TrainResult, train
from bytegolf.proving.receipt import Receipt
from bytegolf.recipes import load_recipe
from bytegolf.runtime.background import BackgroundCall
from bytegolf.sandbox import sandbox_available
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.claim import claimed
from bytegolf.storage.data_folder import DataManifest
from bytegolf.storage.files import record_json
from bytegolf.storage.run_folder import RunFolder


@dataclass(frozen=True)
class QuickstartResult:
    """The results of the whole flow."""

    data: DataManifest
    train: TrainResult
    pack: PackResult
    half: PackResult | None  # the same run at half the bytes; None where no file is so small
    compressors: list[CompressorScore]
    proof: Receipt
    report: str

    def to_json(self) -> dict[str, Any]:
        """Return the results as plain values, the manifest without its list of offsets."""
        return {**asdict(self), "data": self.data.to_json(), "proof": self.proof.to_json()}


def quickstart(
    out: Path, *, recipe: Recipe | None = None, sources: Sequence[str] = ("stdlib",), val_docs: int | None = None
) -> QuickstartResult:
    """Prepare, train, pack, audit, score, prove and report inside `out`, by default on the source of Python's own standard library.

    `recipe` is the recipe called quickstart where none is given; `sources` and `val_docs` are those of `prepare`.
    """
    recipe, data, run = recipe or load_recipe("quickstart"), out / "data", RunFolder(out / "run")
    with claimed(out, folder=True):
        manifest = prepare(sources, data, recipe=recipe, val_docs=val_docs)
        trained = train(recipe, data, run.root, resume=True)
        packed = pack(run.root, data=data, scored=False)
        audit_data(data)  # which the report shows
        before = score(run.root, data, "sliding", experts=False)
        beside = BackgroundCall(lambda: _beside(out / "half.bgz", run, data, packed.budget, before.bpb))
        proof = prove(run.artifact, data, "sliding", sandbox=sandbox_available())
        packed = packed.with_scores(before.bpb, proof.bpb_claimed, proof.bpb_model)
        record_json(run.pack, packed.to_json())
        half, compared = beside.result()
        report([run.root], run.report, data=data)
    return QuickstartResult(manifest, trained, packed, half, compared, proof, str(run.report))


def _beside(file: Path, run: RunFolder, data: Path, budget: int, before: float) -> tuple[PackResult | None, list[CompressorScore]]:
    """Do what the core that decoding leaves idle has time for."""
    return _packed_to_half(file, run, data, budget, before), compare_compressors(data)


def _packed_to_half(file: Path, run: RunFolder, data: Path, budget: int, before: float) -> PackResult | None:
    """Pack a run into half of a budget, and score it. Return None if even the smallest possible file is larger.

    `before` is the score of its weights.
    """
    try:
        half = pack(run.root, budget=budget // 2, data=data, out=file, scored=False)
    except ParameterError:
        return None
    after = score(file, data, "sliding")
    half = half.with_scores(before, after.bpb, after.bpb_model)
    record_json(run.pack_to(half.budget, half.method), half.to_json())
    return half
