"""Prove a score with a file that decodes, and verify proofs."""

from collections.abc import Sequence
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.flow.models import load_artifact, require_same_tokenizer
from bytegolf.flow.score import ttt_config
from bytegolf.names import ProtocolName
from bytegolf.proving.receipt import Receipt, check_receipt, prove_text
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import open_data


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
    """Prove a score: write `proof.bgc` and `receipt.json` beside the artifact. Options are those of `score`.

    Raises InputError if a sandbox is asked for and the system has none.
    """
    loaded = load_artifact(artifact)
    dataset = require_same_tokenizer(open_data(data, tokenizer), loaded.tokenizer)
    if stride > loaded.score.window:
        raise InputError(f"--stride: expected at most the window of {loaded.score.window} tokens, found {stride}")
    ttt = ttt_config(RunFolder(artifact.parent), protocol, overrides)
    tokens, num_bytes = dataset.held_out(limit_bytes)
    known = tokens[:]
    whole = dataset.val_text() or loaded.tokenizer.decode(known)
    first = len(loaded.tokenizer.decode(known[:1]))
    return prove_text(artifact, known, whole[first : first + num_bytes], protocol, ttt, stride=stride, isolated=sandbox, hidden=(data,))


def verify(receipt: Path, *, sandbox: bool = True) -> Receipt:
    """Verify a receipt, using only the proof and the artifact beside it."""
    return check_receipt(receipt, isolated=sandbox)
