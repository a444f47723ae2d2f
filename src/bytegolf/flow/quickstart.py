"""The whole flow in one call, by default on the source of Python's own standard library."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.config import Recipe
from bytegolf.flow.compare_compressors import compare_compressors
from bytegolf.flow.pack import PackResult, pack
from bytegolf.flow.prepare import prepare
from bytegolf.flow.prove import prove
from bytegolf.flow.report import report
from bytegolf.flow.score import score
from bytegolf.flow.train import TrainResult, train
from bytegolf.proving.receipt import Receipt
from bytegolf.recipes import load_recipe
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
    compressors: list[CompressorScore]
    proof: Receipt
    report: str

    def to_json(self) -> dict[str, Any]:
        """Return the results as plain values, the manifest without its list of offsets."""
        return {**asdict(self), "data": self.data.to_json(), "proof": self.proof.to_json()}


def quickstart(
    out: Path, *, recipe: Recipe | None = None, sources: Sequence[str] = ("stdlib",), val_docs: int | None = None
) -> QuickstartResult:
    """Prepare, train, pack, score, prove and report inside `out`, by default on the source of Python's own standard library.

    `recipe` is the recipe called quickstart where none is given; `sources` and `val_docs` are those of `prepare`.
    """
    recipe, data, run = recipe or load_recipe("quickstart"), out / "data", RunFolder(out / "run")
    with claimed(out, folder=True):
        manifest = prepare(sources, data, recipe=recipe, val_docs=val_docs)
        trained = train(recipe, data, run.root, resume=True)
        packed = pack(run.root, data=data, scored=False)
        compressors = compare_compressors(data)
        before = score(run.root, data, "sliding", experts=False)
        proof = prove(run.artifact, data, "sliding", sandbox=sandbox_available())
        packed = packed.with_scores(before.bpb, proof.bpb_claimed, proof.bpb_model)
        record_json(run.pack, packed.to_json())
        report([run.root], run.report, compressors)
    return QuickstartResult(manifest, trained, packed, compressors, proof, str(run.report))
