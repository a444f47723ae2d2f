"""The program that decodes a proof: all that runs in the sandbox, given two files and nothing else.

`python -m bytegolf.proving.decoder ARTIFACT PROOF` writes what `bytegolf.proving.decoded` reads.
"""

import sys
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.runtime.threads import tune_process


def main() -> None:
    """Decode the files that the command line names."""
    tune_process()  # before numba is loaded
    from bytegolf.coding.bgc_file import Head, UnreadableError
    from bytegolf.coding.codec import DamagedError
    from bytegolf.coding.packed_model import PackedModel
    from bytegolf.coding.proof_file import read_proof
    from bytegolf.proving.decoded import Decoded
    from bytegolf.runtime.progress import Progress

    packed, proof = PackedModel(Path(sys.argv[1])), Path(sys.argv[2])
    with proof.open("rb") as file, Progress("prove: decode", None, "tokens") as progress:
        try:
            head = Head.read(file)
            head.require_artifact(packed.digest, str(proof))
            proved = read_proof(file, head.kind, packed, progress.advance)
        except (UnreadableError, DamagedError) as error:
            raise InputError(f"{proof}: expected a proof by this artifact, found {error}") from None
    sys.stdout.buffer.write(Decoded.of(proved).to_bytes())


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
