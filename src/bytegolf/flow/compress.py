"""Any file to a `.bgc` file and back, by a packed model."""

from pathlib import Path

from bytegolf.coding.compressor import Compressor, FileResult


def compress(artifact: Path, source: Path, out: Path) -> FileResult:
    """Any file to a `.bgc` file, which is decoded again before it appears under its name."""
    return Compressor.of(artifact).compress(source, out)


def decompress(artifact: Path, source: Path, out: Path) -> FileResult:
    """A `.bgc` file back to what it was made of. Raises InputError for a damaged file, another artifact or another machine."""
    return Compressor.of(artifact).decompress(source, out)
