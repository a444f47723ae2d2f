"""Any file to a `.bgc` file and back, by a packed model."""

from pathlib import Path

from bytegolf.coding.compressor import CompressionResult, Compressor
from bytegolf.coding.packed_model import PackedModel
from bytegolf.storage.claim import claimed


def compress(artifact: Path, source: Path, out: Path) -> CompressionResult:
    """Compress any file to a `.bgc` file, which any machine decodes. Raises InputError for anything but an artifact."""
    compressor = Compressor(PackedModel(artifact))
    with claimed(out, artifact, source):
        return compressor.compress(source, out)


def decompress(artifact: Path, source: Path, out: Path) -> CompressionResult:
    """Bring back what a `.bgc` file was made of: any file, or the text of a proof.

    Raises InputError for a damaged file or another artifact.
    """
    compressor = Compressor(PackedModel(artifact))
    with claimed(out, artifact, source):
        return compressor.decompress(source, out)
