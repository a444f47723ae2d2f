"""Try a coder of your own on the integers of an artifact, against those of the house.

    python examples/new_coder.py runs/tiny/artifact.bgz

Here it is bzip2, which sorts bytes by what follows them. Every section has to come back as it was. How a coder comes to stay:
docs/how-to-extend.md
"""

import argparse
import bz2
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import bytegolf as bg
from bytegolf.arrays import Integers
from bytegolf.artifact.general_coders import GENERAL_CODERS, GeneralCoder, compress_matrices, expand_matrices

BZ2 = GeneralCoder(
    compress=lambda plain: bz2.compress(plain, 9),
    expand=lambda data, size: bz2.BZ2Decompressor().decompress(data, size + 1),  # a damaged file must not fill the memory
)


def coded_bytes(coder: GeneralCoder, matrices: Sequence[Integers]) -> int:
    """Return how many bytes matrices take by a coder, once it has given them back. Raises ValueError if it does not."""
    data = compress_matrices(coder, matrices)
    back = expand_matrices(coder, data, [(matrix.shape[0], matrix.shape[1]) for matrix in matrices])
    if not all(map(np.array_equal, back, matrices)):
        raise ValueError("integers that differ from those coded")
    return len(data)


def main() -> None:
    """Read the command line and the artifact, and print a row for each of its sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    weights = bg.load_artifact(parser.parse_args().artifact).weights

    coders = [*GENERAL_CODERS.items(), ("bz2", BZ2)]
    print(f"{'':12}{'integers':>10}{'range':>10}" + "".join(f"{name:>10}" for name, _ in coders))
    in_house = weights.sections("range")
    for section, matrices in weights.coded().items():
        if matrices:
            sizes = [sum(map(np.size, matrices)), len(in_house[section])] + [coded_bytes(coder, matrices) for _, coder in coders]
            print(f"{section:12}" + "".join(f"{size:10,}" for size in sizes))


if __name__ == "__main__":
    main()
