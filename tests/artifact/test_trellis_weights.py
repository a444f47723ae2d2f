"""Trellis-coded weights, controls among them, with factors of spacings for rows and columns."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from bytegolf.artifact.adaptive_coder import encode_trellis
from bytegolf.artifact.container import Artifact, read_artifact, write_artifact
from bytegolf.artifact.static_coder import encode_integers
from bytegolf.artifact.trellis_states import LARGEST_SCALE
from bytegolf.artifact.trellis_weights import TrellisWeights, factors
from bytegolf.errors import InputError
from bytegolf.names import CoderName
from support import plain_trellis
from support.artifacts import join, random_artifact, split, trellises_of
from support.golden_artifacts import trellis_artifact
from support.hostile import refuse
from support.models import random_tokens
from support.same_artifacts import assert_same


@pytest.fixture(scope="module")
def sound() -> bytes:
    return write_artifact(trellis_artifact()).data


def test_round_trip(sound: bytes) -> None:
    artifact = trellis_artifact()
    again = read_artifact(sound)
    assert_same(again, artifact)
    file = write_artifact(again)
    assert file.data == sound and sum(file.sections.values()) == len(sound)
    tokens = random_tokens(artifact.config)
    with torch.no_grad():
        assert torch.equal(again.model()(tokens), artifact.model()(tokens))


@pytest.mark.parametrize("coder", ["zstd", "lzma", "zlib"])
def test_other_coders(coder: CoderName) -> None:
    """Read back by both decoders."""
    artifact = replace(trellis_artifact(), coder=coder)
    data = write_artifact(artifact).data
    assert_same(read_artifact(data), artifact)
    assert plain_trellis.decode_file(data).integers == {name: stack.integers.tolist() for name, stack in artifact.weights.stacks.items()}


def test_the_model_holds_what_was_stored() -> None:
    """Written out for a matrix whose columns go their ways: states and spacings."""
    artifact = trellis_artifact()
    stack, values = trellises_of(artifact).stacks["banks.kv"], dict(artifact.model().named_parameters())["banks.kv"].detach()
    state = 0
    for row, integer in enumerate(stack.integers[1, :, 4].tolist()):
        scale = 2.0 ** ((stack.row_scales[1, row] + stack.column_scales[1, 4]) / 2)
        assert float(values[1, row, 4]) == pytest.approx((integer + state % 2 / 2) * float(stack.spacings[1]) * scale, rel=1e-6)
        state = plain_trellis.NEXT[state][integer % 2]


def test_factors_are_half_octaves() -> None:
    scales = np.arange(-LARGEST_SCALE, LARGEST_SCALE + 1, dtype=np.int32)
    assert factors(scales).dtype == np.float32
    expected = np.sqrt(2.0) ** scales
    np.testing.assert_allclose(factors(scales).astype(np.float64), expected, rtol=1e-7)
    np.testing.assert_array_equal(factors(scales[::2]), 2.0 ** (scales[::2] // 2))


def test_all_parameters_in_their_order() -> None:
    artifact = trellis_artifact()
    stacks = trellises_of(artifact).stacks
    missing, reordered = dict(list(stacks.items())[1:]), dict(reversed(list(stacks.items())))
    for others in (missing, reordered, {**stacks, "other": stacks["tokens"]}):
        with pytest.raises(ValueError, match="parameters"):
            Artifact(artifact.config, artifact.score, artifact.tokenizer, TrellisWeights(others))


# --- hostile files


def other_scales(change: Callable[[list[np.ndarray]], object]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def changed_sections(sections: dict[str, bytes]) -> dict[str, bytes]:
        stacks = trellises_of(trellis_artifact()).stacks.values()
        scales = [side.copy() for stack in stacks for side in (stack.row_scales, stack.column_scales)]
        assert encode_integers(scales) == sections["scales"]
        change(scales)
        return {"scales": encode_integers(scales)}

    return changed_sections


def set_scale(value: int) -> Callable[[list[np.ndarray]], object]:
    return lambda scales: scales[0].__setitem__((0, 3), value)


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str]] = {
    "a scale too large": (other_scales(set_scale(LARGEST_SCALE + 1)), "scale"),
    "a scale too small": (other_scales(set_scale(-LARGEST_SCALE - 1)), "scale"),
    "a scale of a million": (other_scales(set_scale((1 << 20) - 1)), "scale"),
    "scales that are missing": (other_scales(lambda scales: scales.pop()), ""),
    "scales of nothing": (lambda _: {"scales": b""}, ""),
    "no spacings": (lambda _: {"spacings": b""}, "too short"),
    "spacings to spare": (lambda sections: {"spacings": sections["spacings"] + b"\x00" * 4}, "too long"),
    "spacings that are no numbers": (lambda sections: {"spacings": b"\xff" * len(sections["spacings"])}, "not finite"),
    "no controls": (lambda _: {"controls": b""}, "length"),
    "half a word": (lambda sections: {"mlp": sections["mlp"][:-2]}, "length"),
    "a word less": (lambda sections: {"mlp": sections["mlp"][:-4]}, ""),
    "a word more": (lambda sections: {"mlp": sections["mlp"] + b"\x00" * 4}, "left"),
    "the first word twice": (lambda sections: {"mlp": sections["mlp"][:4] + sections["mlp"]}, ""),
    "another's integers": (lambda sections: {"mlp": sections["attention"]}, ""),
    "integers of one matrix": (lambda _: {"mlp": encode_trellis([np.ones((4, 4), np.int32)], [np.zeros(4, np.int32)])}, ""),
    "ones": (lambda sections: {"embedding": b"\xff" * len(sections["embedding"])}, ""),
    "another checksum": (lambda _: {"digest": b"12345678"}, "integers that differ"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(case: str, sound: bytes) -> None:
    change, expected = HOSTILE[case]
    sections = split(sound)
    refuse(join({**sections, **change(sections)}), expected)


def test_kinds_are_not_mistaken_for_each_other(sound: bytes) -> None:
    """Each with the other's header."""
    grid = write_artifact(random_artifact(trellis_artifact().config)).data
    for sections, other in ((split(sound), split(grid)), (split(grid), split(sound))):
        refuse(join({**sections, "header": other["header"]}), "")


def test_any_byte_that_is_altered_is_noticed(sound: bytes) -> None:
    random = np.random.default_rng(0)
    for at in random.integers(len(sound), size=60):
        altered = bytearray(sound)
        altered[at] ^= 1 << random.integers(8)
        with pytest.raises(InputError):
            read_artifact(bytes(altered))


def test_altered_streams_under_a_right_checksum(sound: bytes) -> None:
    """What decodes at all decodes to other integers, which their own checksum tells."""
    random, sections = np.random.default_rng(1), split(sound)
    for _ in range(40):
        name = str(random.choice(["mlp", "attention", "embedding", "table", "projection", "controls", "scales"]))
        altered = bytearray(sections[name])
        altered[random.integers(len(altered))] ^= 1 << random.integers(8)
        with_scales = name == "scales"
        try:
            found = read_artifact(join({**sections, name: bytes(altered)}))
        except InputError:
            continue
        assert with_scales and found.model() is not None
