"""Files of version 1 that are kept, one for each kind of weights: they decode to the same weights for ever, and are still written so.

`support.golden_artifacts` says how they were made, and how to make others.
"""

import hashlib
import struct
import subprocess
import sys

import numpy as np
import pytest

from bytegolf.artifact.container import Artifact, read_artifact, write_artifact
from support import plain_grid, plain_trellis
from support.artifacts import grids_of, split
from support.golden_artifacts import GOLDEN, sampled_logits, sha256_of_values
from support.same_artifacts import assert_same

VALUES_SHA256 = "36dbc76b3030efe5d1f11eb321fba9ee5e5892eb54e452533f224260b7962e0f"
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
]  # of the grid's model, at each position


@pytest.fixture(scope="module")
def on_grids() -> Artifact:
    return read_artifact(GOLDEN["grid"].file.read_bytes())


@pytest.mark.parametrize("kind", GOLDEN)
def test_they_are_small(kind: str) -> None:
    assert GOLDEN[kind].file.stat().st_size <= 20_000


@pytest.mark.parametrize("kind", GOLDEN)
def test_they_decode_to_what_they_were_made_of(kind: str) -> None:
    assert_same(read_artifact(GOLDEN[kind].file.read_bytes()), GOLDEN[kind].artifact)


@pytest.mark.parametrize("kind", GOLDEN)
def test_decoded_weights_are_those_of_the_model(kind: str) -> None:
    artifact = GOLDEN[kind].artifact
    decoded, parameters = artifact.decoded(), dict(artifact.model().named_parameters())
    assert list(decoded) == list(parameters)
    for name, values in decoded.items():
        assert values.dtype == np.float32 and values.tobytes() == parameters[name].detach().numpy().tobytes(), name


READ_WITHOUT_TORCH = """
import sys
from pathlib import Path
import numpy as np
from bytegolf.artifact.container import read_artifact
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import read_windows
artifact = read_artifact(Path(sys.argv[1]).read_bytes())
tokens = artifact.tokenizer.encode("def f():")[None].astype(np.int64) % artifact.config.vocab_size
model = ExactModel.of(artifact.config, artifact.decoded())
assert np.isfinite(model.logits(read_windows(model, tokens))).all()
sys.exit("torch was loaded" if "torch" in sys.modules else 0)
"""


@pytest.mark.parametrize("kind", GOLDEN)
def test_they_are_read_without_torch(kind: str) -> None:
    done = subprocess.run([sys.executable, "-c", READ_WITHOUT_TORCH, GOLDEN[kind].file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", GOLDEN)
def test_they_are_still_written_so(kind: str) -> None:
    """All but what zlib and LZMA make of header and tokenizer, which is theirs to decide."""
    written, kept = split(write_artifact(GOLDEN[kind].artifact).data), split(GOLDEN[kind].file.read_bytes())
    assert list(written) == list(kept)
    for name in kept.keys() - {"header", "tokenizer"}:
        assert written[name] == kept[name], name


@pytest.mark.parametrize("kind", GOLDEN)
def test_the_preamble(kind: str) -> None:
    data = GOLDEN[kind].file.read_bytes()
    assert data[:4] == b"BGZ\x01" and data[4:8] == struct.pack("<I", len(data))
    assert data[8:16] == hashlib.blake2b(data[16:], digest_size=8).digest()


def test_values_on_grids(on_grids: Artifact) -> None:
    """However a weight is stored, by matrix, by row or kept."""
    stacks = grids_of(on_grids).stacks
    assert sha256_of_values(on_grids) == VALUES_SHA256
    assert [name for name, stack in stacks.items() if stack.by_row] == ["trigram.table", "banks.kv"]
    assert {name: [*stack.kept] for name, stack in stacks.items() if stack.kept} == {"bigram.projection": [0], "banks.kv": [2]}


def test_logits_of_the_model_on_grids(on_grids: Artifact) -> None:
    """To float32's noise through two layers, whatever the machine."""
    np.testing.assert_allclose(sampled_logits(on_grids), LOGITS, rtol=0, atol=2e-4)


def test_a_second_decoder_reads_the_grids(on_grids: Artifact) -> None:
    plain, weights = plain_grid.decode_file(GOLDEN["grid"].file.read_bytes()), grids_of(on_grids)
    for name, stack in weights.stacks.items():
        assert plain.integers[name] == [matrix.tolist() for matrix in stack.coded()], name
        np.testing.assert_array_equal(np.array(plain.values(name), np.float32), stack.values(), name)
    assert plain.controls == {name: control.flatten().tolist() for name, control in weights.controls.items()}


def test_a_second_decoder_reads_the_trellises() -> None:
    """Values but for float32's rounding, which is not the second decoder's."""
    plain = plain_trellis.decode_file(GOLDEN["trellis"].file.read_bytes())
    for name, stack in GOLDEN["trellis"].artifact.weights.stacks.items():
        assert plain.integers[name] == stack.integers.tolist(), name
        np.testing.assert_allclose(plain.values(name), stack.values(), rtol=1e-6, err_msg=name)
