"""Lists of integer matrices <-> bytes, by the coder that the recipe names.

`range` stands for an entropy coder of this package: the static coder for integers on grids, the adaptive coder for those on
trellises. The others are general-purpose compressors, for either kind.
"""

from collections.abc import Sequence

from bytegolf.arrays import Integers
from bytegolf.artifact.general_coders import GENERAL_CODERS, MatrixShape, compress_matrices, expand_matrices
from bytegolf.artifact.static_coder import decode_integers, encode_integers
from bytegolf.names import CoderName


def encode_grid(coder: CoderName, matrices: Sequence[Integers]) -> bytes:
    """Return the stream of matrices (rows, columns); no bytes for no matrices. `decode_grid` needs their shapes."""
    return encode_integers(matrices) if coder == "range" or not matrices else compress_matrices(GENERAL_CODERS[coder], matrices)


def decode_grid(coder: CoderName, data: bytes, shapes: Sequence[MatrixShape]) -> list[Integers]:
    """Return the matrices that were encoded. Raises CorruptStreamError, or what the compressor raises, for other bytes."""
    return decode_integers(data, shapes) if coder == "range" or not shapes else expand_matrices(GENERAL_CODERS[coder], data, shapes)


def encode_on_trellis(coder: CoderName, matrices: Sequence[Integers], row_scales: Sequence[Integers]) -> bytes:
    """Return the stream of matrices whose rows have these scales of spacings; no bytes for no matrices."""
    if coder != "range":
        return encode_grid(coder, matrices)
    from bytegolf.artifact.adaptive_coder import encode_trellis  # numba takes a second to load

    return encode_trellis(matrices, row_scales)


def decode_on_trellis(coder: CoderName, data: bytes, row_scales: Sequence[Integers], columns: Sequence[int]) -> list[Integers]:
    """Return the matrices that were encoded: a row for each scale of each, so many columns. Raises what `decode_grid` raises."""
    if coder != "range":
        return decode_grid(coder, data, [(len(scales), width) for scales, width in zip(row_scales, columns, strict=True)])
    from bytegolf.artifact.adaptive_coder import decode_trellis

    return decode_trellis(data, row_scales, columns)
