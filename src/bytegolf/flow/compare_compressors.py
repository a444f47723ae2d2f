"""Sizes of a data folder's held-out text under general-purpose compressors."""

from dataclasses import asdict
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.scoring.compressors import CompressorScore, compressor_scores
from bytegolf.storage.data_folder import DataFolder
from bytegolf.storage.files import record_json
from bytegolf.storage.records import read_record
from bytegolf.text.dataset import open_data

PRIMING_BYTES = 1 << 26  # of training text that compressors see before the held-out text


def compare_compressors(data: Path) -> list[CompressorScore]:
    """Return the score of every general-purpose compressor on the folder's held-out text.

    Results are kept in the folder, and read from there the next time. Raises InputError for a folder of bare shards.
    """
    folder, dataset = DataFolder(data), open_data(data)
    if not folder.compressors.exists():
        text = dataset.val_text()
        if text is None:
            raise InputError(f"{data}: expected a prepared data folder with the held-out text, found bare shards")
        scores = compressor_scores(text, dataset.train_text(PRIMING_BYTES))
        record_json(folder.compressors, [asdict(result) for result in scores])
    return read_record(folder.compressors, list[CompressorScore], "the scores of compressors")
