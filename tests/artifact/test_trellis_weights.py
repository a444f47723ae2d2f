"""Files of version 3: trellis-coded parameters, controls among them, with factors of steps for rows and columns."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from artifact.test_golden import scrambled
from artifact.test_hostile import refuse
from bytegolf.artifact.adaptive_coder import encode_trellis
from bytegolf.artifact.container import Artifact, read_artifact, stack_shape, write_artifact
from bytegolf.artifact.static_coder import encode_integers
from bytegolf.artifact.trellis_weights import LARGEST_SCALE, TrellisStack, factors
from bytegolf.errors import InputError
from bytegolf.model.gpt import parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.names import CoderName
from bytegolf.text.tokenizer import BytesTokenizer
from support import plain_trellis
from support.artifacts import SCORE, join, random_artifact, split
from support.models import changed, random_tokens

GOLDEN = Path(__file__).with_name("golden-v3.bgz")
CONFIG = changed(vocab_size=260, num_layers=2, xsa_layers=1, value_embed_layers=1)


def trellis_artifact() -> Artifact:
    """Of plain arithmetic, the same everywhere: rows of zeros, rows of other sizes, magnitudes up to the largest, all kinds of scales."""
    weights = {}
    for salt, (name, shape) in enumerate(parameter_shapes(CONFIG).items()):
        stack = stack_shape(shape)
        noise = scrambled(int(np.prod(stack)), salt)
        integers = (noise % 11 + noise // 16 % 11 - 10).astype(np.int32).reshape(stack)
        integers[:, 3::11] *= 5
        integers[:, 5::13] = 0
        if name == "trigram.table":
            integers[0, 7] = [(-1) ** c * ((1 << 20) - 1 >> 3 * c) for c in range(stack[2])]
        scales = [(scrambled(stack[0] * side, salt + 50) % 7 - 3).astype(np.int32).reshape(stack[0], side) for side in stack[1:]]
        if weight_class(name) == "control":
            scales = [np.zeros_like(side) for side in scales]
        steps = 2.0 ** -(4 + np.arange(stack[0]) % 3)
        weights[name] = TrellisStack(integers, steps.astype(np.float32), *scales)
    return Artifact(CONFIG, SCORE, BytesTokenizer(), weights, {})


def assert_same(found: Artifact, expected: Artifact) -> None:
    assert list(found.weights) == list(expected.weights) and not found.controls
    for name, weight in expected.weights.items():
        again = found.weights[name]
        assert isinstance(again, TrellisStack) and isinstance(weight, TrellisStack)
        for field in ("integers", "steps", "row_scales", "column_scales"):
            np.testing.assert_array_equal(getattr(again, field), getattr(weight, field), f"{name} {field}")


@pytest.fixture(scope="module")
def sound() -> bytes:
    return write_artifact(trellis_artifact()).data


def test_round_trip(sound: bytes) -> None:
    artifact = trellis_artifact()
    again = read_artifact(sound)
    assert sound[3] == 3
    assert_same(again, artifact)
    file = write_artifact(again)
    assert file.data == sound and sum(file.sections.values()) == len(sound)
    with torch.no_grad():
        assert torch.equal(again.model()(random_tokens(CONFIG)), artifact.model()(random_tokens(CONFIG)))


def test_a_second_decoder_reads_the_same() -> None:
    """From the file that is kept. Values but for float32's rounding, which is not the second decoder's."""
    plain = plain_trellis.decode_file(GOLDEN.read_bytes())
    for name, weight in trellis_artifact().weights.items():
        assert plain.integers[name] == weight.integers.tolist(), name
        np.testing.assert_allclose(plain.values(name), weight.values().numpy(), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("coder", ["zstd", "lzma", "zlib"])
def test_other_coders(coder: CoderName) -> None:
    """Read back by both decoders."""
    artifact = replace(trellis_artifact(), coder=coder)
    data = write_artifact(artifact).data
    again = read_artifact(data)
    assert_same(again, artifact)
    assert again.coder == coder
    assert plain_trellis.decode_file(data).integers == {name: weight.integers.tolist() for name, weight in artifact.weights.items()}


def test_the_golden_file(sound: bytes) -> None:
    """Decodes to what it was made of, and is still written so, but for what zlib and LZMA make of header and tokenizer."""
    data = GOLDEN.read_bytes()
    assert len(data) <= 20_000 and data[:4] == b"BGZ\x03" and data[4:8] == struct.pack("<I", len(data))
    assert_same(read_artifact(data), trellis_artifact())
    found, expected = split(sound), split(data)
    for name in expected.keys() - {"header", "tokenizer"}:
        assert found[name] == expected[name], name


def test_the_model_holds_what_was_stored() -> None:
    """Written out for a matrix whose columns go their ways: states and steps."""
    artifact = trellis_artifact()
    weight, values = artifact.weights["banks.kv"], dict(artifact.model().named_parameters())["banks.kv"].detach()
    assert isinstance(weight, TrellisStack)
    state = 0
    for row, integer in enumerate(weight.integers[1, :, 4].tolist()):
        scale = 2.0 ** ((weight.row_scales[1, row] + weight.column_scales[1, 4]) / 2)
        assert float(values[1, row, 4]) == pytest.approx((integer + state % 2 / 2) * float(weight.steps[1]) * scale, rel=1e-6)
        state = plain_trellis.NEXT[state][integer % 2]


def test_factors_are_half_octaves() -> None:
    scales = np.arange(-LARGEST_SCALE, LARGEST_SCALE + 1)
    assert factors(scales).dtype == np.float32
    np.testing.assert_allclose(factors(scales), 2.0 ** (scales / 2), rtol=1e-7)
    np.testing.assert_array_equal(factors(scales[::2]), 2.0 ** (scales[::2] // 2))


def test_all_parameters_or_none() -> None:
    artifact, plain = trellis_artifact(), random_artifact(CONFIG)
    with pytest.raises(ValueError, match="parameters"):
        Artifact(CONFIG, SCORE, BytesTokenizer(), artifact.weights, plain.controls)
    with pytest.raises(ValueError, match="parameters"):
        Artifact(CONFIG, SCORE, BytesTokenizer(), {**artifact.weights, "tokens": plain.weights["tokens"]}, {})
    with pytest.raises(ValueError, match="parameters"):
        Artifact(CONFIG, SCORE, BytesTokenizer(), dict(reversed(artifact.weights.items())), {})


# --- hostile files


def other_scales(change: Callable[[list[np.ndarray]], object]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def changed_sections(sections: dict[str, bytes]) -> dict[str, bytes]:
        weights = trellis_artifact().weights.values()
        scales = [side.copy() for weight in weights for side in (weight.row_scales, weight.column_scales)]  # type: ignore[union-attr]
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
    "no steps": (lambda _: {"steps": b""}, "too short"),
    "steps to spare": (lambda sections: {"steps": sections["steps"] + b"\x00" * 4}, "too long"),
    "steps that are no numbers": (lambda sections: {"steps": b"\xff" * len(sections["steps"])}, "not finite"),
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
    refuse(join({**sections, **change(sections)}, version=3), expected)


def test_versions_are_not_mistaken_for_each_other(sound: bytes) -> None:
    for version in (1, 2):
        with pytest.raises(InputError, match="damaged"):
            read_artifact(sound[:3] + bytes([version]) + sound[4:])
    older = write_artifact(random_artifact(CONFIG)).data
    with pytest.raises(InputError, match="damaged"):
        read_artifact(older[:3] + b"\x03" + older[4:])


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
            found = read_artifact(join({**sections, name: bytes(altered)}, version=3))
        except InputError:
            continue
        assert with_scales and found.model() is not None


if __name__ == "__main__":
    GOLDEN.write_bytes(write_artifact(trellis_artifact()).data)
