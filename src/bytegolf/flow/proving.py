"""Files that models compress, proofs of scores, and audits of whatever predicts."""

from collections.abc import Sequence
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.flow.models import load_artifact, matching
from bytegolf.flow.scoring import ttt_config
from bytegolf.prove.audit import Audit, Options, audit_in_sandbox
from bytegolf.prove.files import Compressor, FileResult
from bytegolf.prove.receipt import Receipt, check_receipt, prove_text
from bytegolf.run import RunFolder
from bytegolf.score.protocols import ProtocolName
from bytegolf.text.dataset import open_data


def compress(artifact: Path, source: Path, out: Path) -> FileResult:
    """Any file to a `.bgc` file, which is decoded again before it appears under its name."""
    return Compressor.of(artifact).compress(source, out)


def decompress(artifact: Path, source: Path, out: Path) -> FileResult:
    """A `.bgc` file back to what it was made of. Raises InputError for a damaged file, another artifact or another machine."""
    return Compressor.of(artifact).decompress(source, out)


def prove(
    artifact: Path,
    data: Path,
    protocol: ProtocolName = "sliding",
    *,
    limit_bytes: int = 0,
    tokenizer: Path | None = None,
    stride: int = 0,
    overrides: Sequence[str] = (),
    sandbox: bool = True,
) -> Receipt:
    """Back a score by a file: `proof.bgc` and `receipt.json` beside the artifact. Options as of `score`.

    Raises InputError where there is no sandbox and one is asked for.
    """
    loaded = load_artifact(artifact)
    dataset = matching(open_data(data, tokenizer), loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    ttt = ttt_config(RunFolder(artifact.parent), protocol, overrides)
    tokens, num_bytes = dataset.held_out(limit_bytes)
    known = tokens[:]
    whole = dataset.val_text() or loaded.tokenizer.decode(known)
    first = len(loaded.tokenizer.decode(known[:1]))
    return prove_text(artifact, known, whole[first : first + num_bytes], protocol, ttt, stride=stride, isolated=sandbox, hidden=(data,))


def check_proof(receipt: Path, *, sandbox: bool = True) -> Receipt:
    """Verify a receipt again, by nothing but the proof and the artifact beside it."""
    return check_receipt(receipt, isolated=sandbox)


def audit(name: str, options: Options, *, sandbox: bool = True) -> Audit:
    """Test from outside whether MODULE:FACTORY predicts as a valid score must. Raises InputError if there is no such thing."""
    return audit_in_sandbox(name, options, isolated=sandbox)
