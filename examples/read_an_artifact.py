"""Read a packed model with nothing but the rooms that decode: `artifact`, `model` and `text`.

    python examples/read_an_artifact.py runs/quickstart/run/artifact.bgz --line "import numpy as np"

Nothing that trains, packs or scores is imported. What the file says is enough: architecture, tokenizer and weights.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.config import BOS
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class


def describe(artifact: Artifact) -> None:
    """Print every tensor of the model with its kind and shape."""
    for name, shape in parameter_shapes(artifact.config).items():
        print(f"{name:<32}{weight_class(name):<12}{' × '.join(map(str, shape))}")


def bits_of_line(artifact: Artifact, model: GPT, line: str) -> tuple[list[str], Tensor]:
    """Return the tokens of a line as text, and the bits of each, given those before it."""
    tokens = artifact.tokenizer.encode(line)
    ids = torch.tensor([BOS, *map(int, tokens)])[None]
    with torch.inference_mode():
        nats = -model(ids[:, :-1]).log_softmax(-1).gather(-1, ids[:, 1:, None])[0, :, 0]
    return [artifact.tokenizer.decode(tokens[i : i + 1]).decode(errors="replace") for i in range(len(tokens))], nats / np.log(2)


def continued(artifact: Artifact, model: GPT, line: str, count: int) -> str:
    """Return the line with the `count` most likely tokens after it, chosen one by one."""
    ids = [BOS, *map(int, artifact.tokenizer.encode(line))]
    for _ in range(count):
        with torch.inference_mode():
            logits_V = model(torch.tensor(ids)[None], last=1)[0, -1]
        ids.append(int(logits_V.argmax()))
    return artifact.tokenizer.decode(np.array(ids[1:], np.uint16)).decode(errors="replace")


def main() -> None:
    """Read the command line and the artifact, and print what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--line", default="def main() -> None:", help="a text to score")
    parser.add_argument("--tokens", type=int, default=20, help="how many tokens to go on for")
    options = parser.parse_args()

    data = options.artifact.read_bytes()
    artifact = read_artifact(data, str(options.artifact))
    model = artifact.model()
    describe(artifact)
    print(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters in {len(data):,} bytes")

    pieces, bits = bits_of_line(artifact, model, options.line)
    print(" ".join(f"{piece!r} {cost:.2f}" for piece, cost in zip(pieces, bits.tolist(), strict=True)))
    print(f"{bits.sum() / len(options.line.encode()):.4f} bits per byte")
    print(continued(artifact, model, options.line, options.tokens))


if __name__ == "__main__":
    main()
