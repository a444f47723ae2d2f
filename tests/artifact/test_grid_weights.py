"""Version 2: steps per row, matrices kept in float16, other coders. What version 1 can hold stays version 1."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from artifact.test_hostile import refuse
from bytegolf.artifact.container import Artifact, read_artifact, write_artifact
from bytegolf.artifact.general_coders import encode_matrices, half_patterns
from bytegolf.artifact.grid_weights import GridStack
from bytegolf.errors import InputError
from bytegolf.names import CoderName
from bytegolf.text.tokenizer import BytesTokenizer
from support import plain_decoder
from support.artifacts import SCORE, join, random_artifact, split
from support.models import changed, random_tokens

CODERS: tuple[CoderName, ...] = get_args(CoderName)
CONFIG = changed(vocab_size=260, num_layers=2, value_embed_layers=1)
GOLDEN = Path(__file__).with_name("golden-v2.bgz")


def mixed_artifact(coder: CoderName = "range") -> Artifact:
    """Some parameters with a step per matrix, some per row, some kept, in whole or in part."""
    plain, random = random_artifact(CONFIG), np.random.default_rng(0)
    weights = dict(plain.weights)
    for name in ("banks.kv", "banks.up", "bigram.table", "trigram.table"):
        weight = weights[name]
        rows = (0.01 + random.random(weight.integers.shape[:2])).astype(np.float16)
        weights[name] = GridStack(weight.integers, rows)
    for name, places in {"tokens": [0], "banks.qo": [1, 3], "banks.kv": [2], "trigram.table": [0]}.items():
        weight = weights[name]
        integers, steps = weight.integers.copy(), weight.steps.copy()
        integers[places], steps[places] = 0, 0
        kept = {place: (weight.integers[place] * 0.37).astype(np.float16) for place in places}
        weights[name] = GridStack(integers, steps, kept)
    return Artifact(CONFIG, SCORE, BytesTokenizer(), weights, plain.controls, coder)


def assert_stored_alike(found: Artifact, expected: Artifact) -> None:
    assert found.coder == expected.coder and list(found.weights) == list(expected.weights)
    for name, weight in expected.weights.items():
        again = found.weights[name]
        np.testing.assert_array_equal(again.integers, weight.integers, name)
        assert again.steps.dtype == weight.steps.dtype, name
        np.testing.assert_array_equal(again.steps, weight.steps, name)
        assert sorted(again.kept) == sorted(weight.kept), name
        for place, matrix in weight.kept.items():
            assert again.kept[place].dtype == np.float16
            np.testing.assert_array_equal(again.kept[place], matrix, name)


@pytest.mark.parametrize("coder", CODERS)
def test_round_trip(coder: CoderName) -> None:
    artifact = mixed_artifact(coder)
    file = write_artifact(artifact)
    assert file.data[3] == 2 and sum(file.sections.values()) == len(file.data)
    again = read_artifact(file.data)
    assert_stored_alike(again, artifact)
    tokens = random_tokens(CONFIG)
    with torch.no_grad():
        assert torch.equal(again.model()(tokens), artifact.model()(tokens))
    assert write_artifact(again) == file


@pytest.mark.parametrize("coder", CODERS)
def test_a_coder_alone(coder: CoderName) -> None:
    plain = random_artifact(CONFIG)
    artifact = Artifact(CONFIG, SCORE, plain.tokenizer, plain.weights, plain.controls, coder)
    file = write_artifact(artifact)
    assert file.data[3] == (1 if coder == "range" else 2)
    assert_stored_alike(read_artifact(file.data), artifact)


def test_everything_kept() -> None:
    """Nothing is left to code."""
    plain = random_artifact(CONFIG)
    weights = {}
    for name, weight in plain.weights.items():
        kept = {place: matrix.numpy().astype(np.float16) for place, matrix in enumerate(weight.values())}
        weights[name] = GridStack(np.zeros_like(weight.integers), np.zeros(weight.integers.shape[:2], np.float16), kept)
    artifact = Artifact(CONFIG, SCORE, plain.tokenizer, weights, plain.controls)
    again = read_artifact(write_artifact(artifact).data)
    assert_stored_alike(again, artifact)
    for name, weight in plain.weights.items():
        np.testing.assert_array_equal(again.weights[name].values().numpy(), weight.values().numpy().astype(np.float16), name)


def test_the_model_holds_what_was_stored() -> None:
    artifact = mixed_artifact()
    parameters = dict(artifact.model().named_parameters())
    kv = artifact.weights["banks.kv"]
    for place in (0, 1, 3):
        expected = kv.integers[place].astype(np.float32) * kv.steps[place].astype(np.float32)[:, None]
        np.testing.assert_array_equal(parameters["banks.kv"][place].detach().numpy(), expected)
    np.testing.assert_array_equal(parameters["banks.kv"][2].detach().numpy(), kv.kept[2].astype(np.float32))
    tokens = artifact.weights["tokens"].kept[0].astype(np.float32)
    np.testing.assert_array_equal(parameters["tokens"].detach().numpy(), tokens)


@pytest.mark.parametrize("coder", CODERS)
def test_a_second_decoder_reads_the_same(coder: CoderName) -> None:
    artifact = mixed_artifact(coder)
    plain = plain_decoder.decode_file(write_artifact(artifact).data)
    for name, weight in artifact.weights.items():
        np.testing.assert_array_equal(np.array(plain.values(name), np.float32), weight.values().numpy(), name)
    assert {name: len(control) for name, control in plain.controls.items()} == {n: c.size for n, c in artifact.controls.items()}


# --- a file of version 2, kept


def test_the_golden_file() -> None:
    """Decodes to what it was made of, and is still written so, but for what zlib and LZMA make of header and tokenizer."""
    data = GOLDEN.read_bytes()
    assert len(data) < 30_000 and data[:4] == b"BGZ\x02"
    assert_stored_alike(read_artifact(data), mixed_artifact())
    found, expected = split(write_artifact(mixed_artifact()).data), split(data)
    for name in expected.keys() - {"header", "tokenizer"}:
        assert found[name] == expected[name], name


# --- hostile files


@pytest.fixture(scope="module")
def sound() -> bytes:
    return write_artifact(mixed_artifact()).data


def with_storage(**changes: Any) -> Callable[[bytes], dict[str, bytes]]:
    def change(sound: bytes) -> dict[str, bytes]:
        header = json.loads(zlib.decompress(split(sound)["header"]))
        header["storage"] = {**header["storage"], **changes}
        return {"header": zlib.compress(json.dumps(header).encode())}

    return change


def bomb(coder: CoderName, section: str) -> Callable[[bytes], dict[str, bytes]]:
    """Four small matrices that expand to 64 megabytes."""

    def change(sound: bytes) -> dict[str, bytes]:
        zeros = encode_matrices(coder, [np.zeros((1 << 13, 1 << 13), np.int32)])
        return {**with_storage(coder=coder)(sound), section: b"\x01\x01\x01\x01" + zeros[1:]}

    return change


HOSTILE = {
    "no storage": (lambda sound: {"header": without_storage(sound)}, "storage"),
    "storage that is a list": (lambda sound: {"header": without_storage(sound, storage=[])}, ""),
    "an unknown coder": (with_storage(coder="arithmetic"), "coder"),
    "rows of a control": (with_storage(rows=["smear.gate"]), "storage of parameters"),
    "rows of nothing": (with_storage(rows=["banks.kq"]), "storage of parameters"),
    "rows twice": (with_storage(rows=["banks.kv", "banks.kv"]), "storage of parameters"),
    "rows of another order": (with_storage(rows=["trigram.table", "bigram.table", "banks.kv", "banks.up"]), "storage of parameters"),
    "rows that are a number": (with_storage(rows=7), ""),
    "other rows": (with_storage(rows=["banks.kv", "banks.up"]), ""),
    "kept of a control": (with_storage(kept={"smear.gate": [0]}), "storage of parameters"),
    "kept beyond the stack": (with_storage(kept={"banks.kv": [4]}), "places"),
    "kept a billion": (with_storage(kept={"banks.kv": [10**9]}), "places"),
    "kept below the stack": (with_storage(kept={"banks.kv": [-1]}), ""),
    "kept twice": (with_storage(kept={"banks.kv": [2, 2]}), "places"),
    "kept in another order": (with_storage(kept={"banks.qo": [3, 1]}), "places"),
    "more kept than there are": (with_storage(kept={"tokens": [0], "banks.qo": [0, 1, 3], "banks.kv": [2], "trigram.table": [0]}), ""),
    "surprises": (with_storage(surprise=1), ""),
    "no steps of rows": (lambda _: {"row_steps": b""}, ""),
    "no kept matrices": (lambda _: {"kept": b""}, ""),
    "a zstd bomb": (bomb("zstd", "mlp"), "another size"),
    "an LZMA bomb": (bomb("lzma", "mlp"), "another size"),
    "a zlib bomb": (bomb("zlib", "mlp"), "another size"),
    "bytes that are no zstd": (with_storage(coder="zstd"), ""),
    "bytes that are no LZMA": (with_storage(coder="lzma"), ""),
    "bytes that are no zlib": (with_storage(coder="zlib"), ""),
    "kept numbers that are infinite": (lambda sound: {"kept": infinite_kept(sound)}, "not finite"),
}


def without_storage(sound: bytes, **added: Any) -> bytes:
    header = json.loads(zlib.decompress(split(sound)["header"]))
    header.pop("storage")
    return zlib.compress(json.dumps({**header, **added}).encode())


def infinite_kept(sound: bytes) -> bytes:
    weights = mixed_artifact().weights.values()
    patterns = [half_patterns(weight.kept[place]) for weight in weights for place in sorted(weight.kept)]
    assert encode_matrices("range", patterns) == split(sound)["kept"]
    patterns[1][0, 0] = 0x7C00
    return encode_matrices("range", patterns)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case: str, sound: bytes) -> None:
    change, expected = HOSTILE[case]
    refuse(join({**split(sound), **change(sound)}, version=2), expected)


def test_version_one_knows_no_storage() -> None:
    """A header that speaks of it changes nothing; sections of version 2 are none of its own."""
    plain = random_artifact(CONFIG)
    sections = split(write_artifact(plain).data)
    header = json.loads(zlib.decompress(sections["header"]))
    header["storage"] = {"coder": "zstd", "rows": ["banks.kv"], "kept": {}}
    again = read_artifact(join({**sections, "header": zlib.compress(json.dumps(header).encode())}))
    assert_stored_alike(again, plain)
    data = write_artifact(mixed_artifact()).data
    with pytest.raises(InputError, match="damaged"):
        read_artifact(data[:3] + b"\x01" + data[4:])


def test_version_two_needs_its_sections() -> None:
    data = write_artifact(random_artifact(CONFIG)).data
    with pytest.raises(InputError, match="row_steps is"):
        read_artifact(data[:3] + b"\x02" + data[4:])


def test_the_preamble(sound: bytes) -> None:
    assert sound[4:8] == struct.pack("<I", len(sound))


if __name__ == "__main__":
    GOLDEN.write_bytes(write_artifact(mixed_artifact()).data)
