"""Checkpoints of other programs become the model that was saved; and nothing in a file is run."""

import io
import lzma
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import zstandard
from safetensors.torch import save_file
from torch import Tensor

from bytegolf.artifact.baseline_names import translate
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from support.baseline_files import Tensors, banked, exported, imported, logits, per_layer, torch_bytes
from support.models import changed, random_model

CONFIG = changed(isolate_documents=False)
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": lambda data: zstandard.ZstdCompressor(level=22).compress(data),
    "zlib": lambda data: zlib.compress(data, 9),
    "lzma": lzma.compress,
}


@pytest.mark.parametrize("compressor", COMPRESS)
@pytest.mark.parametrize("mlp_bits", [4, 5, 6])
def test_a_quantised_export(compressor: str, mlp_bits: int, tmp_path: Path) -> None:
    model = random_model(CONFIG)
    saved, meant = exported(per_layer(model), mlp_bits)
    path = tmp_path / "final_model.int8.ptz"
    path.write_bytes(COMPRESS[compressor](torch_bytes(saved)))
    again, expected = imported(path, CONFIG), GPT(CONFIG)
    expected.load_state_dict(translate(meant, CONFIG, "meant"))
    assert float((logits(again) - logits(expected)).abs().max()) <= 1e-6
    own = again.state_dict()
    assert torch.equal(own["banks.up"][2], meant["blocks.2.mlp.fc.weight"])
    assert torch.equal(own["banks.kv"][4 + 1], meant["blocks.1.attn.c_v.weight"])
    assert torch.equal(own["smear.gate"], meant["smear.gate"])
    assert torch.equal(own["bigram.scale"], meant["bigram.scale"]), "a scale that is a weight"
    error = (own["banks.up"] - model.state_dict()["banks.up"]).norm() / model.state_dict()["banks.up"].norm()
    assert error < 0.4 * 2.0 ** (4 - mlp_bits)


@pytest.mark.parametrize("naming", [banked, per_layer, lambda model: model.state_dict()])
def test_safetensors(naming: Callable[[GPT], Tensors], tmp_path: Path) -> None:
    """Under the baseline's names or the package's, whatever the length of the header looks like."""
    model = random_model(CONFIG)
    save_file({name: tensor.contiguous() for name, tensor in naming(model).items()}, tmp_path / "model.safetensors")
    assert torch.equal(logits(imported(tmp_path / "model.safetensors", CONFIG)), logits(model))


@pytest.mark.parametrize("length", [0x78 + (0x9C << 8), 0x80 + (0x03 << 8) + (1 << 16), 0x0178 + (1 << 16)])
def test_safetensors_that_begin_like_something_else(length: int, tmp_path: Path) -> None:
    model = random_model(CONFIG)
    save_file(model.state_dict(), tmp_path / "short")
    data = (tmp_path / "short").read_bytes()
    (header,) = struct.unpack_from("<Q", data)
    assert header < length
    (tmp_path / "long").write_bytes(struct.pack("<Q", length) + data[8 : 8 + header].ljust(length) + data[8 + header :])
    assert torch.equal(logits(imported(tmp_path / "long", CONFIG)), logits(model))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions(dtype: torch.dtype, tmp_path: Path) -> None:
    model = random_model(CONFIG)
    torch.save({name: tensor.to(dtype) for name, tensor in banked(model).items()}, tmp_path / "a.pt")
    for name, weight in imported(tmp_path / "a.pt", CONFIG).state_dict().items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, model.state_dict()[name].to(dtype).float())


def test_files_of_old_versions_of_torch(tmp_path: Path) -> None:
    model = random_model(CONFIG)
    torch.save(banked(model), tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(logits(imported(tmp_path / "a.pt", CONFIG)), logits(model))


# --- files made to do harm


class Harm:
    """A pickle of it runs a command where it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrap", [None, *COMPRESS])
@pytest.mark.parametrize("write", [torch_bytes, pickle.dumps])
def test_nothing_is_run(write: Callable[[object], bytes], wrap: str | None, tmp_path: Path) -> None:
    data = write({"tok_emb.weight": Harm(tmp_path / "harmed")})
    (tmp_path / "a.pt").write_bytes(COMPRESS[wrap](data) if wrap else data)
    with pytest.raises(InputError, match=r"expected tensors and nothing else, found a pickle") as raised:
        imported(tmp_path / "a.pt", CONFIG)
    assert not (tmp_path / "harmed").exists() and "\n" not in str(raised.value)


def zipped_zeros(size: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(size))
    return file.getvalue()


BOMB = 64 << 20
BOMBS = {
    "zstd": lambda: zstandard.ZstdCompressor().compress(bytes(BOMB)),
    "zlib": lambda: zlib.compress(bytes(BOMB), 1),
    "xz": lambda: lzma.compress(bytes(BOMB), preset=0),
    "zip": lambda: zipped_zeros(BOMB),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ptz"
    path.write_bytes(BOMBS[kind]())
    with pytest.raises(InputError, match=r"expected at most [\d,]+ bytes for [\d,]+ parameters, found more once expanded"):
        imported(path, CONFIG)


def test_a_file_far_larger_than_the_model(tmp_path: Path) -> None:
    with (tmp_path / "a.pt").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(InputError, match=r"expected at most [\d,]+ bytes for [\d,]+ parameters, found 1,073,741,824"):
        imported(tmp_path / "a.pt", CONFIG)


@pytest.mark.parametrize(
    "form", [lambda view: {"tok_emb.weight": view}, lambda view: {"w": {"a.q": view, "a.scale": torch.ones(1)}, "m": {}}]
)
def test_a_small_tensor_that_looks_large(form: Callable[[Tensor], object], tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(torch_bytes(form(torch.ones(1).expand(1 << 20, 1 << 20))))
    with pytest.raises(InputError, match="once expanded"):
        imported(tmp_path / "a.pt", CONFIG)


OTHERS = {
    "nothing": b"",
    "text": b"words of no meaning\n" * 50,
    "zeros": bytes(1000),
    "a cut zip": torch_bytes({"a": torch.ones(100)})[:600],
    "a list": torch_bytes([torch.ones(3)]),
    "a tensor": torch_bytes(torch.ones(3)),
    "names that are numbers": torch_bytes({1: torch.ones(3)}),
    "a cut stream": zlib.compress(os.urandom(5000))[:2000],
    "a stream of text": zlib.compress(b"words " * 500),
    "bare weights": torch_bytes({"w": torch.ones(3), "m": {}}),
    "scales that are text": torch_bytes({"w": {"a.q": torch.ones(3, 3), "a.scale": "1"}, "m": {}}),
    "scales of other rows": torch_bytes({"w": {"a.q": torch.ones(3, 3), "a.scale": torch.ones(5)}, "m": {}}),
    "a damaged header": struct.pack("<Q", 20) + b'{"a": {"dtype": "F3}' + bytes(100),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_files(case: str, tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(OTHERS[case])
    with pytest.raises(InputError, match=r"a\.pt: expected .*, found ") as raised:
        imported(tmp_path / "a.pt", CONFIG)
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 500


def test_no_file(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.pt", "No such file"), (tmp_path, "directory")):
        with pytest.raises(InputError, match=f"expected a checkpoint, found .*{reason}"):
            imported(path, CONFIG)
