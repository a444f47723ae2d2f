"""A model comes back from its file exactly, and anything but an unaltered file is refused in one line."""

from contextlib import suppress

import numpy as np
import pytest
import torch

from bytegolf.artifact.container import Artifact, read_artifact, write_artifact
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.errors import InputError
from bytegolf.model.shapes import parameter_count
from bytegolf.recipes import load_recipe
from bytegolf.text.tokenizer import BpeTokenizer
from support import plain_decoder, plain_grid
from support.artifacts import grids_of, join, random_artifact, seal, split
from support.models import CHANGES, EVERYTHING, changed, random_tokens
from support.same_artifacts import assert_same

# --- round trips


@pytest.mark.parametrize("case", [case for case in CHANGES if case != "largest vocabulary"])
def test_round_trip(case: str) -> None:
    """Every switch of the architecture, the byte tokenizer."""
    artifact = random_artifact(changed(**{**CHANGES[case], "vocab_size": 260}))
    file = write_artifact(artifact)
    again = read_artifact(file.data)
    assert_same(again, artifact)
    tokens = random_tokens(artifact.config)
    with torch.no_grad():
        assert torch.equal(again.model()(tokens), artifact.model()(tokens))
    assert write_artifact(again) == file


def test_round_trip_with_a_trained_tokenizer(bpe: BpeTokenizer) -> None:
    artifact = random_artifact(changed(vocab_size=512), bpe)
    again = read_artifact(write_artifact(artifact).data)
    assert_same(again, artifact)
    text = "def f(): \u2581 \xe9"
    np.testing.assert_array_equal(again.tokenizer.encode(text), bpe.encode(text))


def test_the_model_holds_what_was_rounded() -> None:
    artifact = random_artifact(changed(vocab_size=260))
    weights = grids_of(artifact)
    for name, parameter in artifact.model().named_parameters():
        if name in weights.stacks:
            stack = weights.stacks[name]
            expected = stack.integers.astype(np.float32) * stack.spacings[:, None, None]
        else:
            expected = weights.controls[name].astype(np.float32)
        np.testing.assert_array_equal(parameter.detach().numpy(), expected.reshape(parameter.shape), name)
    assert not artifact.model().training
    half = artifact.model(torch.bfloat16)
    assert half.compute_dtype == torch.bfloat16 and half.tokens.dtype == torch.float32


def test_a_model_of_zeros() -> None:
    config = changed(vocab_size=260)
    artifact = random_artifact(config)
    weights = grids_of(artifact)
    zeros = {name: GridStack(np.zeros_like(stack.integers), stack.spacings) for name, stack in weights.stacks.items()}
    empty = Artifact(config, artifact.score, artifact.tokenizer, GridWeights(zeros, weights.controls))
    assert_same(read_artifact(write_artifact(empty).data), empty)


def test_the_same_artifact_gives_the_same_bytes() -> None:
    config = changed(vocab_size=260)
    assert write_artifact(random_artifact(config)) == write_artifact(random_artifact(config))


def test_sections_account_for_every_byte(sound: bytes) -> None:
    file = write_artifact(read_artifact(sound))
    assert sum(file.sections.values()) == len(file.data)
    expected = {name: 4 + len(section) for name, section in split(file.data).items() if name != "digest"}
    assert file.sections == {"container": 24, **expected}


@pytest.mark.parametrize("loop", [{}, {"loop_first": 1, "loop_blocks": 2, "loops": 2}], ids=["no loop", "loop"])
def test_a_second_decoder_reads_the_same(loop: dict[str, int]) -> None:
    artifact = random_artifact(changed(vocab_size=260, tie_embeddings=False, **loop), bits=3.0)
    plain, weights = plain_grid.decode_file(write_artifact(artifact).data), grids_of(artifact)
    header = plain.file.header
    assert header["model"] == artifact.config.model_dump()
    assert header["score"] == artifact.score.model_dump()
    assert (header["tokenizer"], plain.file.tokenizer) == ("bytes", b"bytes260")
    assert list(plain.integers) == list(weights.stacks) and list(plain.controls) == list(weights.controls)
    for name, stack in weights.stacks.items():
        assert plain.integers[name] == stack.integers.tolist()
        assert plain.spacings[name] == stack.spacings.tolist()
    for name, control in weights.controls.items():
        assert plain.controls[name] == control.flatten().tolist()


@pytest.mark.parametrize("case", CHANGES)
def test_the_specification_lists_the_parameters(case: str) -> None:
    config = changed(**CHANGES[case])
    listed = plain_decoder.list_parameters(config.model_dump())
    assert sum(int(np.prod(parameter.shape)) for parameter in listed) == parameter_count(config)
    artifact = random_artifact(config) if case == "untied head" else None
    if artifact:
        assert [parameter.name for parameter in listed if parameter.group != "control"] == list(artifact.weights.stacks)


def test_weights_of_another_model_are_refused() -> None:
    artifact = random_artifact(changed(vocab_size=260))
    stacks, controls = grids_of(artifact).stacks, grids_of(artifact).controls
    missing, reordered = dict(list(stacks.items())[1:]), dict(reversed(list(stacks.items())))
    others = [GridWeights(each, controls) for each in (missing, reordered, {**stacks, "other": stacks["tokens"]})]
    for weights in (*others, GridWeights(stacks, dict(list(controls.items())[1:]))):
        with pytest.raises(ValueError, match="parameters"):
            Artifact(artifact.config, artifact.score, artifact.tokenizer, weights)


# --- damage


def refuse(data: bytes) -> None:
    """One line that names the file and says what was expected and found."""
    with pytest.raises(InputError, match=r"^run/a\.bgz: expected .+, found .+") as raised:
        read_artifact(data, "run/a.bgz")
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 400


def test_any_altered_byte_is_noticed(sound: bytes) -> None:
    random = np.random.default_rng(0)
    for at in (*range(64), *random.integers(64, len(sound), size=300), len(sound) - 1):
        altered = bytearray(sound)
        altered[at] ^= int(random.integers(1, 256))
        refuse(bytes(altered))


def test_any_other_length_is_noticed(sound: bytes) -> None:
    for length in (*range(40), *range(64, len(sound), 97), len(sound) - 1):
        refuse(sound[:length])
    for padding in (b"\0", b"\0\0\0\0", b"\xff", sound[-4:], bytes(5000), sound):
        refuse(sound + padding)


@pytest.mark.parametrize("data", [b"", b"BGZ", b"BGZ\x01", b"PK\x03\x04" + bytes(100), bytes(1000)])
def test_other_files(data: bytes) -> None:
    refuse(data)


def test_other_versions_are_named(sound: bytes) -> None:
    with pytest.raises(InputError, match="a: expected artifact version 1, found version 2"):
        read_artifact(b"BGZ\x02" + sound[4:], "a")


def test_altered_bytes_under_a_right_checksum(sound: bytes) -> None:
    """Nobody's accident: then it is refused or it is another model, and nothing else happens."""
    random = np.random.default_rng(0)
    body = sound[16:]
    refused = 0
    for _ in range(500):
        altered = bytearray(body)
        for at in random.integers(len(body), size=random.integers(1, 3)):
            altered[at] = random.integers(256)
        try:
            assert isinstance(read_artifact(seal(bytes(altered))), Artifact)
        except InputError:
            refused += 1
    assert refused > 300


def test_altered_integers_under_a_right_checksum(sound: bytes) -> None:
    """The integers have a checksum of their own."""
    sections = split(sound)
    random = np.random.default_rng(0)
    for group in ("mlp", "attention", "embedding", "table", "projection"):
        for _ in range(40):
            altered = bytearray(sections[group])
            altered[random.integers(len(altered))] ^= 1 << random.integers(8)
            with suppress(InputError):
                assert_same(read_artifact(join({**sections, group: bytes(altered)})), read_artifact(sound))  # a spare bit at the end


def test_the_tiny_recipe_packs_and_reads_back() -> None:
    """A real shape: banks of many matrices, hash tables of thousands of rows."""
    config = load_recipe("tiny", ["text.tokenizer=bytes", "model.vocab_size=260"]).model
    assert config != EVERYTHING
    artifact = random_artifact(config, bits=2.0)
    assert_same(read_artifact(write_artifact(artifact).data), artifact)
