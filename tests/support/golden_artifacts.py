"""The artifacts whose files are kept, one for each kind of weights.

They are made of plain arithmetic, so that they can be made again. After a change that is meant to alter the format (with a new version,
and a reader of this one), write new files beside the old ones:

    cd tests && PYTHONPATH=../src python -m support.golden_artifacts
"""

import hashlib
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bytegolf.arrays import Integers
from bytegolf.artifact.container import Artifact, write_artifact
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.artifact.shapes import StackShape, stack_shapes
from bytegolf.artifact.trellis_weights import TrellisStack, TrellisWeights
from bytegolf.config import ExpertsConfig, ScoreConfig
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.text.tokenizer import BytesTokenizer
from support.artifacts import SCORE, grids_of
from support.models import changed

FOLDER = Path(__file__).parents[1] / "artifact"
TOKENS = [1, *b"golden", 1, 255]  # two documents; ids stand for themselves here
SAMPLED = [0, 1, 2, 3, 100, 259]  # of the vocabulary
BY_ROW, KEPT = ("banks.kv", "trigram.table"), {"banks.kv": [2], "bigram.projection": [0]}


def scrambled(count: int, salt: int) -> NDArray[np.int64]:
    """Numbers below 2³² in no visible order, the same everywhere."""
    return (np.arange(count, dtype=np.int64) + 977 * salt + 1) * 2_654_435_761 % (1 << 32)


def integers_of(name: str, shape: StackShape, salt: int, reach: int) -> Integers:
    """A triangle of integers up to ±`reach`; rows of zeros, rows of other sizes, magnitudes up to the largest in one row."""
    noise = scrambled(prod(shape), salt)
    integers = (noise % (reach + 1) + noise // 16 % (reach + 1) - reach).astype(np.int32).reshape(shape)
    integers[:, 3::11] *= 5
    integers[:, 5::13] = 0
    if name == "trigram.table":
        integers[0, 7] = [(-1) ** c * ((1 << 20) - 1 >> 3 * c) for c in range(shape.columns)]
    return integers


def spacings_of(shape: StackShape) -> NDArray[np.float32]:
    spacings: NDArray[np.float32] = (2.0 ** -(4 + np.arange(shape.matrices) % 3)).astype(np.float32)
    return spacings


def grid_artifact() -> Artifact:
    """Every part of the architecture, of the static coder and of what a file may hold: spacings by row, matrices kept."""
    config = changed(vocab_size=260, num_layers=2, xsa_layers=1, value_embed_layers=1, tie_embeddings=False)
    stacks, controls = {}, {}
    for salt, (name, shape) in enumerate(stack_shapes(config).items()):
        if weight_class(name) == "control":
            control = (0.5 + scrambled(prod(shape), salt) / (1 << 32)).astype(np.float16)
            controls[name] = control.reshape(tuple(parameter_shapes(config)[name]))
        else:
            stacks[name] = grid_stack(name, integers_of(name, shape, salt, 14), spacings_of(shape))
    score = ScoreConfig(window=32, stride=8, batch_tokens=64)
    experts = ExpertsConfig(enabled=True, orders=3, match=3, candidates=8, table_bits=12, history_bits=10)
    return Artifact(config, score, BytesTokenizer(), GridWeights(stacks, controls), experts=experts)


def grid_stack(name: str, integers: Integers, spacings: NDArray[np.float32]) -> GridStack:
    """The same weights however they are stored: odd rows at half the spacing have twice the integers, as far as the coder takes them."""
    stored: NDArray[np.floating] = spacings
    weights = integers * spacings[:, None, None]
    if name in BY_ROW:
        halved = (np.arange(integers.shape[1]) % 2 == 1) & (np.abs(integers).max((0, 2)) < 1 << 18)
        integers = np.where(halved[:, None], 2 * integers, integers).astype(np.int32)
        stored = np.where(halved, spacings[:, None] / 2, spacings[:, None]).astype(np.float16)
    places = KEPT.get(name, [])
    kept = {place: weights[place].astype(np.float16) for place in places}
    assert all((kept[place] == weights[place]).all() for place in places)
    integers, stored = integers.copy(), stored.copy()
    integers[places], stored[places] = 0, 0
    return GridStack(integers, stored, kept)


def trellis_artifact() -> Artifact:
    """Every kind of row and of scale."""
    config = changed(vocab_size=260, num_layers=2, xsa_layers=1, value_embed_layers=1)
    stacks = {}
    for salt, (name, shape) in enumerate(stack_shapes(config).items()):
        count, *sides = shape
        scales = [(scrambled(count * side, salt + 50) % 7 - 3).astype(np.int32).reshape(count, side) for side in sides]
        if weight_class(name) == "control":
            scales = [np.zeros_like(side) for side in scales]
        stacks[name] = TrellisStack(integers_of(name, shape, salt, 10), spacings_of(shape), *scales)
    return Artifact(config, SCORE, BytesTokenizer(), TrellisWeights(stacks))


@dataclass(frozen=True)
class Golden:
    """A file that is kept, and what it was made of."""

    file: Path
    artifact: Artifact


GOLDEN = {
    "grid": Golden(FOLDER / "golden-grid-v1.bgz", grid_artifact()),
    "trellis": Golden(FOLDER / "golden-trellis-v1.bgz", trellis_artifact()),
}


def sha256_of_values(artifact: Artifact) -> str:
    """Of all weights of the grids in float32."""
    values = b"".join(stack.values().tobytes() for stack in grids_of(artifact).stacks.values())
    return hashlib.sha256(values).hexdigest()


def sampled_logits(artifact: Artifact) -> NDArray[np.float32]:
    with torch.no_grad():
        logits: NDArray[np.float32] = artifact.model()(torch.tensor([TOKENS]))[0, :, SAMPLED].numpy()
    return logits


if __name__ == "__main__":
    for golden in GOLDEN.values():
        golden.file.write_bytes(write_artifact(golden.artifact).data)
    logits = [[round(value, 4) for value in row] for row in sampled_logits(grid_artifact()).tolist()]
    print(f"VALUES_SHA256 = {sha256_of_values(grid_artifact())!r}\nLOGITS = {logits}")
