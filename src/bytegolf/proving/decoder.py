"""The program that decodes a proof: all that runs in the sandbox, given two files and nothing else.

`python -m bytegolf.proving.decoder ARTIFACT PROOF` writes the text to stdout; with a third argument `tokens` its tokens, uint16.
"""

import sys
from pathlib import Path

from bytegolf.errors import InputError
from bytegolf.runtime.threads import tune_process


def main() -> None:
    """Decode the files that the command line names."""
    tune_process()  # before torch is loaded
    from bytegolf.coding.packed_model import PackedModel
    from bytegolf.proving.proof_file import read_proof, text_of
    from bytegolf.runtime.progress import Progress

    packed, proof = PackedModel(Path(sys.argv[1])), Path(sys.argv[2])
    with Progress("prove: decode", None, "tokens") as progress:
        tokens = read_proof(proof.read_bytes(), packed, str(proof), progress.advance)
    as_tokens = sys.argv[3:] == ["tokens"]
    sys.stdout.buffer.write(tokens.astype("<u2").tobytes() if as_tokens else text_of(packed.artifact.tokenizer, tokens))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
