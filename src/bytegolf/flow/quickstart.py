"""Run the whole flow on the source of Python's standard library."""

from pathlib import Path

from bytegolf.flow.compare_compressors import compare_compressors
from bytegolf.flow.pack import pack
from bytegolf.flow.prove import prove
from bytegolf.flow.report import report
from bytegolf.flow.results import QuickstartResult
from bytegolf.flow.train import train
from bytegolf.recipes import load_recipe
from bytegolf.runtime.threads import on_threads
from bytegolf.sandbox import sandbox_available
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.prepare import prepare

PROVED_BYTES = 1 << 16  # bytes of held-out text that quickstart proves
PROVED_STRIDE = 16  # short pieces decode fast


def quickstart(out: Path) -> QuickstartResult:
    """Prepare, train, pack, score, report and prove inside `out`, on the source of Python's standard library."""
    recipe, data, run = load_recipe("quickstart"), out / "data", RunFolder(out / "run")
    manifest = prepare(["stdlib"], data, text=recipe.text, vocab_size=recipe.model.vocab_size)
    trained = train(recipe, data, run.root, resume=True)
    packed = pack(run.root, data=data)
    compressors = compare_compressors(data)
    report([run.root], run.report, compressors)
    with on_threads(1):
        proof = prove(run.artifact, data, "streaming", limit_bytes=PROVED_BYTES, stride=PROVED_STRIDE, sandbox=sandbox_available())
    return QuickstartResult(manifest, trained, packed, compressors, proof, str(run.report))
