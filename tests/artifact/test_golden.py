"""A file of version 1, kept: it must decode to the same integers and nearly the same logits for ever.

The artifact in it is made of plain arithmetic, so it can be made again: run `python -m artifact.test_golden` in `tests/`
with `src/` on PYTHONPATH after a change that is meant to alter the format (with a new version, and a reader of this one).
"""

import hashlib
import struct
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bytegolf.artifact.container import Artifact, GridStack, read_artifact, write_artifact
from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.text.tokenizer import BytesTokenizer
from support import plain_decoder
from support.artifacts import split
from support.models import changed

GOLDEN = Path(__file__).with_name("golden-v1.bgz")
INTEGERS_SHA256 = "612a7c46f949cff0d03dc0d5cbbf95fcc1127b335ea23da012511e94fb0432a4"
TOKENS = [1, *b"golden", 1, 255]  # two documents; ids stand for themselves here
SAMPLED = [0, 1, 2, 3, 100, 259]  # of the vocabulary
LOGITS = [
    [0.3237, -2.3021, 0.5762, -6.2188, 0.8467, 0.1961],
    [-1.5206, -0.862, 1.7389, 6.2162, 0.6866, 0.7712],
    [-1.3656, 1.1877, 1.2085, 7.2643, 0.6354, -0.1453],
    [0.6848, 0.3737, -0.3732, 7.2629, 0.5197, -0.1214],
    [-0.8987, -2.2813, 1.0917, -6.0277, 0.336, 0.6824],
    [-1.5136, 0.8329, 1.2253, 2.9994, 0.2735, -0.0645],
    [-1.251, 1.7431, 0.9919, 0.6423, 0.1765, -0.1493],
    [0.3237, -2.3021, 0.5762, -6.2188, 0.8467, 0.1961],
    [-1.6636, -0.9276, 1.7735, 0.052, 0.1973, 0.7804],
]  # at each position


def scrambled(count: int, salt: int) -> NDArray[np.int64]:
    """Numbers below 2³² in no visible order, the same everywhere."""
    return (np.arange(count, dtype=np.int64) + 977 * salt + 1) * 2_654_435_761 % (1 << 32)


def golden_artifact() -> Artifact:
    """All parts of the architecture and of the coder: rows of zeros, rows of other sizes, magnitudes up to the largest."""
    config = changed(vocab_size=260, num_layers=2, xsa_layers=1, value_embed_layers=1, tie_embeddings=False)
    weights, controls = {}, {}
    for salt, (name, shape) in enumerate(parameter_shapes(config).items()):
        count = prod(shape)
        if weight_class(name) == "control":
            controls[name] = (0.5 + scrambled(count, salt) / (1 << 32)).astype(np.float16).reshape(tuple(shape))
            continue
        stack = (1, *shape) if len(shape) == 2 else tuple(shape)
        noise = scrambled(count, salt)
        integers = (noise % 15 + noise // 16 % 15 - 14).astype(np.int32).reshape(stack)  # a triangle from -14 to 14
        integers[:, 3::11] *= 5
        integers[:, 5::13] = 0
        if name == "trigram.table":
            integers[0, 7] = [(-1) ** c * ((1 << 20) - 1 >> 3 * c) for c in range(stack[2])]
        steps = 2.0 ** -(4 + np.arange(stack[0]) % 3)
        weights[name] = GridStack(integers, steps.astype(np.float32))
    return Artifact(config, ScoreConfig(window=32, stride=8, batch_tokens=64), BytesTokenizer(), weights, controls)


def sha256_of_integers(artifact: Artifact) -> str:
    plain = b"".join(weight.integers.astype("<i4").tobytes() for weight in artifact.weights.values())
    return hashlib.sha256(plain).hexdigest()


def sampled_logits(artifact: Artifact) -> NDArray[np.float32]:
    with torch.no_grad():
        logits: NDArray[np.float32] = artifact.model()(torch.tensor([TOKENS]))[0, :, SAMPLED].numpy()
    return logits


@pytest.fixture(scope="module")
def golden() -> Artifact:
    return read_artifact(GOLDEN.read_bytes(), GOLDEN.name)


def test_it_is_small() -> None:
    assert GOLDEN.stat().st_size <= 20_000


def test_its_integers(golden: Artifact) -> None:
    assert sha256_of_integers(golden) == INTEGERS_SHA256
    expected = golden_artifact()
    assert golden.config == expected.config and golden.score == expected.score
    for name, weight in expected.weights.items():
        np.testing.assert_array_equal(golden.weights[name].integers, weight.integers, name)
        np.testing.assert_array_equal(golden.weights[name].steps, weight.steps, name)
    for name, control in expected.controls.items():
        np.testing.assert_array_equal(golden.controls[name], control, name)


def test_its_logits(golden: Artifact) -> None:
    """To float32's noise through two layers, whatever the machine."""
    np.testing.assert_allclose(sampled_logits(golden), LOGITS, rtol=0, atol=2e-4)


def test_a_second_decoder_reads_it(golden: Artifact) -> None:
    plain = plain_decoder.decode_file(GOLDEN.read_bytes())
    assert plain.integers == {name: weight.integers.tolist() for name, weight in golden.weights.items()}
    assert plain.steps == {name: weight.steps.tolist() for name, weight in golden.weights.items()}
    assert plain.controls == {name: control.flatten().tolist() for name, control in golden.controls.items()}


def test_it_is_still_written_so() -> None:
    """All but what zlib and LZMA make of header and tokenizer, which is theirs."""
    found, expected = split(write_artifact(golden_artifact()).data), split(GOLDEN.read_bytes())
    for name in expected.keys() - {"header", "tokenizer"}:
        assert found[name] == expected[name], name


def test_the_preamble() -> None:
    data = GOLDEN.read_bytes()
    assert data[:4] == b"BGZ\x01" and data[4:8] == struct.pack("<I", len(data))
    assert data[8:16] == hashlib.blake2b(data[16:], digest_size=8).digest()


if __name__ == "__main__":
    GOLDEN.write_bytes(write_artifact(golden_artifact()).data)
    logits = [[round(value, 4) for value in row] for row in sampled_logits(golden_artifact()).tolist()]
    print(f"INTEGERS_SHA256 = {sha256_of_integers(golden_artifact())!r}\nLOGITS = {logits}")
