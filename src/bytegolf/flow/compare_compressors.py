"""Compare general-purpose compressors on a data folder's held-out text."""

from dataclasses import asdict
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.scoring.compressors import CompressorScore, compressor_scores
from bytegolf.storage.data_folder import DataFolder
from bytegolf.storage.files import read_json, write_json
from bytegolf.text.dataset import open_data

PRIMING_BYTES = 1 << 26  # bytes of training text to prime compressors with


def compare_compressors(data: Path) -> list[CompressorScore]:
    """Return how general-purpose compressors score on the folder's held-out text; results are cached in the folder.

    Raises InputError for a folder of bare shards, which lacks that text.
    """
    folder, dataset = DataFolder(data), open_data(data)
    if not folder.compressors.exists():
        text = dataset.val_text()
        if text is None:
            raise InputError(f"{data}: expected a prepared data folder with the held-out text, found bare shards")
        scores = compressor_scores(text, dataset.train_text(PRIMING_BYTES))
        write_json(folder.compressors, [asdict(result) for result in scores])
    return [CompressorScore(**values) for values in read_json(folder.compressors)]
