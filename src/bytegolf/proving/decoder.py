"""`python -m bytegolf.proving.decoder ARTIFACT PROOF` writes the text to stdout; with a third argument `tokens` its tokens, uint16.

This is all that runs in the sandbox: it is given these two files and nothing else.
"""

import sys
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.runtime.threads import tune_process


def main() -> None:
    tune_process()
    from bytegolf.artifact.container import read_artifact
    from bytegolf.coding.bgc_file import SHORT, digest
    from bytegolf.proving.proof_file import Proof, text_of
    from bytegolf.runtime.progress import Progress

    model, proof = (Path(name).read_bytes() for name in sys.argv[1:3])
    artifact = read_artifact(model, sys.argv[1])
    with Progress("prove: decode", None, "tokens") as progress:
        tokens = Proof.read(proof, artifact, digest(model, SHORT), sys.argv[2], progress.advance)
    sys.stdout.buffer.write(tokens.astype("<u2").tobytes() if sys.argv[3:] == ["tokens"] else text_of(artifact, tokens))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
