"""Weights on grids: spacings by row, matrices kept in float16, any coder."""

from typing import get_args

import numpy as np
import pytest
import torch

from bytegolf.artifact.coders import encode_grid
from bytegolf.artifact.container import Artifact, read_artifact, write_artifact
from bytegolf.artifact.float16 import half_patterns
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.names import CoderName
from support import plain_grid
from support.artifacts import deflated, grids_of, header_of, join, random_artifact, split
from support.hostile import Change, refuse, with_storage
from support.models import changed, random_tokens
from support.same_artifacts import assert_same

CODERS: tuple[CoderName, ...] = get_args(CoderName)
CONFIG = changed(vocab_size=260, num_layers=2, value_embed_layers=1)


def mixed_artifact(coder: CoderName = "range") -> Artifact:
    """Some parameters with a spacing per matrix, some per row, some kept, in whole or in part."""
    plain, random = random_artifact(CONFIG), np.random.default_rng(0)
    stacks = dict(grids_of(plain).stacks)
    for name in ("banks.kv", "banks.up", "bigram.table", "trigram.table"):
        rows = (0.01 + random.random(stacks[name].integers.shape[:2])).astype(np.float16)
        stacks[name] = GridStack(stacks[name].integers, rows)
    for name, places in {"tokens": [0], "banks.qo": [1, 3], "banks.kv": [2], "trigram.table": [0]}.items():
        stack = stacks[name]
        integers, spacings = stack.integers.copy(), stack.spacings.copy()
        integers[places], spacings[places] = 0, 0
        kept = {place: (stack.integers[place] * 0.37).astype(np.float16) for place in places}
        stacks[name] = GridStack(integers, spacings, kept)
    return Artifact(CONFIG, plain.score, plain.tokenizer, GridWeights(stacks, grids_of(plain).controls), coder)


@pytest.fixture(scope="module")
def sound() -> bytes:
    return write_artifact(mixed_artifact()).data


@pytest.mark.parametrize("coder", CODERS)
def test_round_trip(coder: CoderName) -> None:
    artifact = mixed_artifact(coder)
    file = write_artifact(artifact)
    assert sum(file.sections.values()) == len(file.data)
    again = read_artifact(file.data)
    assert_same(again, artifact)
    tokens = random_tokens(CONFIG)
    with torch.no_grad():
        assert torch.equal(again.model()(tokens), artifact.model()(tokens))
    assert write_artifact(again) == file


@pytest.mark.parametrize("coder", CODERS)
def test_a_coder_alone(coder: CoderName) -> None:
    artifact = random_artifact(CONFIG, coder=coder)
    assert_same(read_artifact(write_artifact(artifact).data), artifact)


def test_the_header_says_only_what_is_not_the_default(sound: bytes) -> None:
    assert header_of(write_artifact(random_artifact(CONFIG)).data)["weights"] == {"kind": "grid"}
    assert header_of(write_artifact(random_artifact(CONFIG, coder="zlib")).data)["weights"] == {"kind": "grid", "coder": "zlib"}
    assert header_of(sound)["weights"].keys() == {"kind", "rows", "kept"}


def test_sections_are_there_only_where_they_hold_something(sound: bytes) -> None:
    assert {"row_spacings", "kept"} <= split(sound).keys()
    assert {"row_spacings", "kept"}.isdisjoint(split(write_artifact(random_artifact(CONFIG)).data))


def test_everything_kept() -> None:
    """Nothing is left to code."""
    plain = random_artifact(CONFIG)
    stacks = {}
    for name, stack in grids_of(plain).stacks.items():
        kept = {place: matrix.astype(np.float16) for place, matrix in enumerate(stack.values())}
        stacks[name] = GridStack(np.zeros_like(stack.integers), np.zeros(stack.integers.shape[:2], np.float16), kept)
    artifact = Artifact(CONFIG, plain.score, plain.tokenizer, GridWeights(stacks, grids_of(plain).controls))
    again = read_artifact(write_artifact(artifact).data)
    assert_same(again, artifact)
    assert again.weights.entropy_bits() == 0
    for name, stack in grids_of(plain).stacks.items():
        np.testing.assert_array_equal(again.weights.values(name), stack.values().astype(np.float16), name)


def test_the_model_holds_what_was_stored() -> None:
    artifact = mixed_artifact()
    parameters, stacks = dict(artifact.model().named_parameters()), grids_of(artifact).stacks
    kv = stacks["banks.kv"]
    for place in (0, 1, 3):
        expected = kv.integers[place].astype(np.float32) * kv.spacings[place].astype(np.float32)[:, None]
        np.testing.assert_array_equal(parameters["banks.kv"][place].detach().numpy(), expected)
    np.testing.assert_array_equal(parameters["banks.kv"][2].detach().numpy(), kv.kept[2].astype(np.float32))
    tokens = stacks["tokens"].kept[0].astype(np.float32)
    np.testing.assert_array_equal(parameters["tokens"].detach().numpy(), tokens)


@pytest.mark.parametrize("coder", CODERS)
def test_a_second_decoder_reads_the_same(coder: CoderName) -> None:
    artifact = mixed_artifact(coder)
    plain, weights = plain_grid.decode_file(write_artifact(artifact).data), grids_of(artifact)
    for name, stack in weights.stacks.items():
        np.testing.assert_array_equal(np.array(plain.values(name), np.float32), stack.values(), name)
    assert {name: len(control) for name, control in plain.controls.items()} == {n: c.size for n, c in weights.controls.items()}


# --- hostile files


def bomb(coder: CoderName, section: str) -> Change:
    """Four small matrices that expand to 64 megabytes."""

    def change(sound: bytes) -> dict[str, bytes]:
        zeros = encode_grid(coder, [np.zeros((1 << 13, 1 << 13), np.int32)])
        return {**with_storage(coder=coder)(sound), section: b"\x01\x01\x01\x01" + zeros[1:]}

    return change


def without_storage(**added: object) -> Change:
    def change(sound: bytes) -> dict[str, bytes]:
        header = header_of(sound)
        header.pop("weights")
        return {"header": deflated({**header, **added})}

    return change


def infinite_kept(sound: bytes) -> dict[str, bytes]:
    stacks = grids_of(mixed_artifact()).stacks.values()
    patterns = [half_patterns(stack.kept[place]) for stack in stacks for place in sorted(stack.kept)]
    assert encode_grid("range", patterns) == split(sound)["kept"]
    patterns[1][0, 0] = 0x7C00
    return {"kept": encode_grid("range", patterns)}


HOSTILE: dict[str, tuple[Change, str]] = {
    "no storage": (without_storage(), "weights"),
    "storage that is a list": (without_storage(weights=[]), ""),
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
    "no spacings of rows": (lambda _: {"row_spacings": b""}, ""),
    "no kept matrices": (lambda _: {"kept": b""}, ""),
    "a zstd bomb": (bomb("zstd", "mlp"), "another size"),
    "an LZMA bomb": (bomb("lzma", "mlp"), "another size"),
    "a zlib bomb": (bomb("zlib", "mlp"), "another size"),
    "bytes that are no zstd": (with_storage(coder="zstd"), ""),
    "bytes that are no LZMA": (with_storage(coder="lzma"), ""),
    "bytes that are no zlib": (with_storage(coder="zlib"), ""),
    "kept numbers that are infinite": (infinite_kept, "not finite"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case: str, sound: bytes) -> None:
    change, expected = HOSTILE[case]
    refuse(join({**split(sound), **change(sound)}), expected)


def test_a_header_that_names_what_is_not_there() -> None:
    plain = write_artifact(random_artifact(CONFIG)).data
    refuse(join({**split(plain), **with_storage(rows=["banks.kv"])(plain)}), "row_spacings is")
    refuse(join({**split(plain), **with_storage(kept={"banks.kv": [0]})(plain)}), "kept is")


def test_a_header_that_leaves_out_what_is_there(sound: bytes) -> None:
    refuse(join({**split(sound), **with_storage(rows=[], kept={})(sound)}), "after the last section")
