"""The probabilities that small drawn models give in exact arithmetic, a hash for each position: every machine finds the same.

    cd tests && python -m support.exact_golden            # compare those found here with the ones that are kept
    cd tests && python -m support.exact_golden --write    # keep those found here

It needs numpy, numba and pydantic, and nothing of a test's tools, so that it runs wherever exact arithmetic does.
"""

import hashlib
import json
import platform
import sys
from pathlib import Path

import numba
import numpy as np

from bytegolf.config import ModelConfig
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import Reader, read_windows
from support.exact_models import drawn_texts, drawn_weights, frequencies

FILE = Path(__file__).parents[1] / "golden" / "exact.json"
LENGTH, TEXTS, REACH = 24, 2, 9
WHOLE = {
    "num_layers": 5, "model_dim": 48, "num_heads": 4, "num_kv_heads": 2, "mlp_leak": 0.5, "rope_dims": 8, "depth_scale": True,
    "xsa_layers": 2, "bigram_size": 37, "bigram_dim": 10, "trigram_size": 29, "trigram_dim": 7, "value_embed_layers": 3,
    "value_embed_dim": 5, "isolate_documents": True,
}  # fmt: skip
BARE = {
    "num_layers": 2, "model_dim": 24, "num_heads": 2, "num_kv_heads": 1, "residual_mix": False, "unet_skips": False, "smear_gate": False,
    "tie_embeddings": False,
}  # fmt: skip
GATED = {
    "num_layers": 4, "model_dim": 32, "num_heads": 2, "num_kv_heads": 1, "head_gate_inputs": 12, "loops": 2,
    "loop_first": 1, "loop_blocks": 2,
}  # fmt: skip
CASES = {
    "tables, XSA, value embeddings": ModelConfig.model_validate({"vocab_size": 300, **WHOLE}),
    "bare": ModelConfig.model_validate({"vocab_size": 61, **BARE}),
    "gated heads, blocks run twice": ModelConfig.model_validate({"vocab_size": 61, **GATED}),
    "as wide as small": ModelConfig.model_validate({"vocab_size": 512, **WHOLE, "model_dim": 256, "num_heads": 8, "num_kv_heads": 4}),
}


def golden_digests(config: ModelConfig) -> dict[str, list[str]]:
    """Return a hash of all tokens' probabilities at each position, read in one pass and token by token with a rolling past."""
    model, tokens = ExactModel.of(config, drawn_weights(config)), drawn_texts(config, TEXTS, LENGTH)
    reader, steps = Reader(model, TEXTS, REACH + 1), []
    for t in range(LENGTH):
        if reader.length > REACH:
            reader.forget(1)
        steps.append(reader.hidden(tokens[:, t : t + 1]))
    read = {"one pass": read_windows(model, tokens), "rolling": np.concatenate(steps, axis=1)}
    return {
        way: [hashlib.blake2b(row.astype("<u8").tobytes(), digest_size=8).hexdigest() for row in frequencies(model, x).swapaxes(0, 1)]
        for way, x in read.items()
    }


def main() -> None:
    found = {case: golden_digests(config) for case, config in CASES.items()}
    here = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}"
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    same = found == json.loads(FILE.read_text())
    print(f"{here}: {'the same probabilities' if same else 'OTHER PROBABILITIES'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()
