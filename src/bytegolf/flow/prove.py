"""A score backed by a file that decodes."""

from pathlib import Path

from bytegolf.coding.packed_model import PackedModel
from bytegolf.coding.protocol_predictor import ProtocolSettings
from bytegolf.flow.models import require_same_tokenizer
from bytegolf.flow.score import record_course, require_provable, with_stride
from bytegolf.names import ProtocolName
from bytegolf.proving.decoder_process import DecoderProcess
from bytegolf.proving.prove import HeldOutText, prove_text
from bytegolf.proving.receipt import Receipt
from bytegolf.scoring.ledger import Score
from bytegolf.storage.claim import claimed
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset, open_data


def prove(
    artifact: Path,
    data: Path,
    protocol: ProtocolName = "sliding",
    *,
    limit_bytes: int = 0,
    tokenizer: Path | None = None,
    stride: int = 0,
    experts: bool = True,
    sandbox: bool = True,
) -> Receipt:
    """Back a score by a file: write `proof.bgc` and `receipt.json` beside the artifact. Parameters are those of `score`.

    `experts` of the artifact can be left out. Raises InputError as `score` does, for protocol `ttt`, and where there is no
    `sandbox` and one is asked for.
    """
    packed = PackedModel(artifact)
    dataset = require_same_tokenizer(open_data(data, tokenizer), packed.artifact.tokenizer)
    config = with_stride(packed.artifact.score, stride)
    settings = ProtocolSettings(require_provable(protocol, "protocol"), config, packed.artifact.experts if experts else None)
    text, run = _held_out_text(dataset, limit_bytes), RunFolder(artifact.parent)
    of = {"of": artifact.name, "sha256": packed.sha256, "data": dataset.sha256}

    def keep(claim: Score) -> None:
        """Keep the course of a run's score, as `score` does of one by the settings that are the artifact's own."""
        if run.recipe.exists() and not text.part and not stride and experts:
            record_course(run, claim, text.tokens, dataset.tokenizer, of)

    with claimed(artifact.with_name("receipt.json")):
        return prove_text(packed, text, settings, DecoderProcess(sandbox, hidden=(data,)), keep)


def _held_out_text(dataset: Dataset, limit_bytes: int) -> HeldOutText:
    """Return the beginning of a data folder's held-out text, as its documents have it, or decoded in a foreign folder."""
    sequence, num_bytes = dataset.held_out(limit_bytes)
    tokens = sequence[:]
    content = dataset.val_text() or dataset.tokenizer.decode(tokens)
    first = len(dataset.tokenizer.decode(tokens[:1]))
    return HeldOutText(tokens, content[first : first + num_bytes], part=num_bytes < dataset.val_bytes)
