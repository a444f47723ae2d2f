"""Compress any file to a `.bgc` file with a packed model, and decompress it."""

from pathlib import Path

from bytegolf.coding.compressor import Compressor, FileResult


def compress(artifact: Path, source: Path, out: Path) -> FileResult:
    """Compress any file to a `.bgc` file, which is decoded and compared before it appears under its name."""
    return Compressor.of(artifact).compress(source, out)


def decompress(artifact: Path, source: Path, out: Path) -> FileResult:
    """Restore the file that a `.bgc` file was made from. Raises InputError for a damaged file, another artifact or another machine."""
    return Compressor.of(artifact).decompress(source, out)
