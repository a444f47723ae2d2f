"""Runs of several seeds -> the folder that the contest asks for."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bytegolf.artifact.finished_run import FinishedRun, read_run
from bytegolf.contest.bundle import Entry, bundle, carried_sources
from bytegolf.contest.logs import CAP_BYTES
from bytegolf.contest.requirements import requirements
from bytegolf.contest.self_check import script_problems
from bytegolf.contest.submission import TRACKS, Entrant, RunResult, SubmissionFacts, log_of
from bytegolf.contest.submission_page import readme
from bytegolf.contest.submission_rules import SCRIPT, folder_problems
from bytegolf.errors import ParameterError
from bytegolf.flow.contest_script import evaluate
from bytegolf.flow.pack import pack
from bytegolf.flow.prove import prove
from bytegolf.flow.submitted_runs import data_beside, require_one_submission
from bytegolf.model.shapes import parameter_count
from bytegolf.names import ProtocolName
from bytegolf.proving.receipt import Receipt
from bytegolf.runtime.parallel import ALONE
from bytegolf.runtime.progress import say
from bytegolf.sandbox import require_sandbox
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.passes import LEARNING
from bytegolf.scoring.protocols import PROTOCOLS
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import atomic_folder, write_atomically, write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.dataset import Dataset, open_data

CHECK_BYTES = 1_000_000  # of held-out text: a sandbox has no GPU, on which the contest's 151 MB would take minutes
ENTRY = Entry("bytegolf.flow.contest_script", "main")


@dataclass(frozen=True)
class SubmitResult:
    """A submission's folder; with `problems` it has no submission.json, and is none."""

    ok: bool
    folder: str
    problems: tuple[str, ...]
    facts: SubmissionFacts
    receipt: Receipt

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON: the figures of submission.json, and the verdict."""
        verdict = {"ok": self.ok, "folder": self.folder, "problems": list(self.problems)}
        return {**verdict, **self.facts.to_json(), "receipt": self.receipt.to_json()}


def submit(
    runs: Sequence[Path],
    data: Path | None,
    out: Path,
    entrant: Entrant,
    *,
    protocol: ProtocolName = "sliding",
    tokenizer: Path | None = None,
    limit_bytes: int = 0,
    check_bytes: int = CHECK_BYTES,
    sandbox: bool = True,
) -> SubmitResult:
    """Make the folder of a submission: a script that trains, packs and scores by itself, an artifact and a log for each run.

    Runs are seeds of one recipe, trained on `data`. Each is packed again to what the script leaves of 16,000,000 bytes, and
    scored; the first one's score is proved, and its artifact scored by the script alone, in the `sandbox`. Rules that the folder
    breaks are the result's `problems`.

    Without `data` it is looked for beside the runs, in a folder `data`.

    Raises InputError for runs that are no seeds of one recipe or not trained on `data`, and for a folder `out` with anything in it.
    """
    trained = [read_run(run) for run in runs]
    if not trained:
        raise ParameterError("runs", "expected at least one run, found none")
    data = data or data_beside(trained[0], tokenizer)
    dataset = open_data(data, tokenizer)
    require_one_submission(trained, dataset)
    if protocol not in PROTOCOLS:
        raise ParameterError("protocol", f"expected {' or '.join(PROTOCOLS)}, found {protocol!r}")
    if entrant.track not in TRACKS:
        raise ParameterError("track", f"expected {' or '.join(TRACKS)}, found {entrant.track!r}")
    if sandbox:
        require_sandbox()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ParameterError("out", f"expected a new folder or an empty one, found something in {out}")
    entrant = replace(entrant, name=entrant.name or trained[0].recipe.name)
    making = _Making(trained, dataset, tokenizer, entrant, protocol, limit_bytes, check_bytes, sandbox)
    with claimed(out, folder=True), atomic_folder(out) as folder:
        facts = making.write_runs(folder)
        receipt = making.write_proof(folder, facts)
        problems = making.problems(folder, facts, receipt)
        write_atomically(folder / "README.md", readme(facts, parameter_count(facts.recipe.model), receipt))
        if not problems:
            write_json(folder / "submission.json", facts.to_json())
    return SubmitResult(not problems, str(out), tuple(problems), facts, receipt)


@dataclass(frozen=True)
class _Making:
    """What a submission is made of, and how."""

    runs: Sequence[FinishedRun]
    dataset: Dataset
    tokenizer: Path | None  # of a folder of bare shards
    entrant: Entrant
    protocol: ProtocolName
    limit_bytes: int
    check_bytes: int
    sandbox: bool

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.dataset.folder.root

    def write_runs(self, folder: Path) -> SubmissionFacts:
        """Write the script, what it requires, and an artifact and a log for each run."""
        recipe = self.runs[0].recipe
        settings: dict[str, object] = {
            "recipe": recipe.model_dump(exclude_defaults=True, exclude={"description"}),
            "protocol": self.protocol,
        }
        script = bundle(ENTRY, settings, SCRIPT)
        write_atomically(folder / SCRIPT, script)
        write_atomically(folder / "requirements.txt", requirements({**carried_sources(ENTRY), SCRIPT: "import pyppmd"}))
        results = tuple(self._packed_and_scored(run, folder, len(script)) for run in self.runs)
        whole = results[0].bytes == self.dataset.val_bytes
        return SubmissionFacts(self.entrant, recipe, self.protocol, len(script), results, whole, provenance())

    def _packed_and_scored(self, run: FinishedRun, folder: Path, code_bytes: int) -> RunResult:
        """Pack and score one run, and write its artifact and its log."""
        seed, manifest = run.recipe.train.seed, run.folder.read_manifest()
        file = folder / f"artifact_seed{seed}.bgz"
        packed = pack(
            run.folder.root, budget=CAP_BYTES, reserve=code_bytes, data=self.data, tokenizer=self.tokenizer, out=file, scored=False
        )
        started = time.perf_counter()
        score = self._score(file, self.limit_bytes)
        result = RunResult(
            seed=seed,
            run=run.folder.root,
            artifact=file.name,
            artifact_bytes=packed.bytes,
            bits=score.bits,
            bytes=score.bytes,
            tokens=score.tokens,
            steps=manifest["steps"],
            train_seconds=manifest["seconds"],
            eval_seconds=time.perf_counter() - started,
        )
        log = run.folder.text_log.read_text("utf-8", "replace") if run.folder.text_log.exists() else ""
        write_atomically(folder / result.log_name, log_of(result, code_bytes, log))
        return result

    def _score(self, artifact: Path, limit_bytes: int) -> Score:
        return evaluate(artifact, self.runs[0].recipe, self.dataset, self.protocol, limit_bytes, ALONE)

    @property
    def checked_bytes(self) -> int:
        """The held-out bytes that are proved and scored again; 0 is all that are scored."""
        return min(filter(None, (self.limit_bytes, self.check_bytes)), default=0)

    def write_proof(self, folder: Path, facts: SubmissionFacts) -> Receipt:
        """Prove the score of the first artifact, beside it. Protocols that learn are not proved: `sliding` is in their place."""
        protocol: ProtocolName = "sliding" if self.protocol in LEARNING else self.protocol
        artifact = folder / facts.seeds[0].artifact
        return prove(artifact, self.data, protocol, limit_bytes=self.checked_bytes, tokenizer=self.tokenizer, sandbox=self.sandbox)

    def problems(self, folder: Path, facts: SubmissionFacts, receipt: Receipt) -> list[str]:
        """Return the rules that a folder breaks, a line for each."""
        found = [] if receipt.ok else [f"proof.bgc: {receipt.verdict}"]
        say("submit: the script scores the artifact by itself")
        result, first = facts.seeds[0], self.runs[0]
        if 0 < self.checked_bytes < result.bytes:  # of the whole there is a score already
            part = self._score(folder / result.artifact, self.checked_bytes)
            result = replace(result, bits=part.bits, bytes=part.bytes, tokens=part.tokens)
        tokenizer, training = first.folder.root / first.tokenizer.file_name, self.dataset.folder.shards("train")
        found += folder_problems(folder, facts)
        return found + script_problems(folder, result, self.data, tokenizer, training, limit_bytes=self.checked_bytes, sandbox=self.sandbox)
