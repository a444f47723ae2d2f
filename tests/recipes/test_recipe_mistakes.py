"""Every mistake in a recipe gets one line that names the key or file, what was expected and what was found."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bytegolf.errors import InputError
from bytegolf.recipes import load_recipe

Write = Callable[..., Path]


def refusal(recipe: str | Path, overrides: Sequence[str] = ()) -> str:
    """The message with which a recipe is refused."""
    with pytest.raises(InputError) as caught:
        load_recipe(recipe, overrides)
    message = str(caught.value)
    assert message and "\n" not in message and "\r" not in message
    return message


@pytest.mark.parametrize(
    ("override", "names"),
    [
        # unknown keys and sections, with the nearest valid one
        ("model.num_layer=3", ("model.num_layer", "did you mean num_layers?")),
        ("train.learning_rate=3", ("train.learning_rate",)),
        ("optim.matrix_rl=3", ("optim.matrix_rl", "did you mean matrix_lr?")),
        ("modle.num_layers=3", ("modle", "did you mean model?")),
        ("pack.zzz=3", ("pack.zzz", "budget")),
        ("model.num_layers.deep=3", ("model.num_layers.deep",)),
        # wrong types
        ("model.num_layers=many", ("model.num_layers", "many")),
        ("train.seed=99999999999999999999", ("train.seed", "at most 9223372036854775807", "99999999999999999999")),
        ("score.batch_tokens=99999999999999999999", ("score.batch_tokens",)),
        ("model.num_layers=3.5", ("model.num_layers", "3.5")),
        ("model.num_layers=", ("model.num_layers",)),
        ("model.num_layers=[3]", ("model.num_layers", "[3]")),
        ("model.tie_embeddings=maybe", ("model.tie_embeddings", "maybe")),
        ("optim.matrix_lr=fast", ("optim.matrix_lr", "fast")),
        ("optim.matrix_lr=nan", ("optim.matrix_lr", "nan")),
        ("train.max_seconds=inf", ("train.max_seconds", "inf")),
        ("train.dtype=float16", ("train.dtype", "float16")),
        ("train.device=3", ("train.device", "3")),
        ("name.first=3", ("name",)),
        # TOML has types: what only looks like the right one is refused too
        ("model.num_layers=true", ("model.num_layers", "True")),
        ('model.num_layers="4"', ("model.num_layers", "'4'")),
        ("model.tie_embeddings=1", ("model.tie_embeddings", "1")),
        ("model.tie_embeddings=yes", ("model.tie_embeddings", "yes")),
        ("optim.matrix_lr=true", ("optim.matrix_lr", "True")),
        # out of range
        ("model.vocab_size=65537", ("model.vocab_size", "65536", "65537")),
        ("model.vocab_size=1", ("model.vocab_size", "1")),
        ("model.num_layers=0", ("model.num_layers", "0")),
        ("model.num_layers=-1", ("model.num_layers", "-1")),
        ("model.num_layers=99999999999999999999999", ("model.num_layers",)),
        ("optim.beta2=1.0", ("optim.beta2", "1.0")),
        ("model.logit_softcap=0", ("model.logit_softcap", "0")),
        ("pack.mlp_bits=13", ("pack.mlp_bits", "13")),
        # keys that disagree
        ("model.num_heads=3", ("model.num_heads", "model_dim 128", "3")),
        ("model.num_kv_heads=3", ("model.num_kv_heads", "num_heads 4", "3")),
        ("model.rope_dims=3", ("model.rope_dims", "3")),
        ("model.rope_dims=34", ("model.rope_dims", "32", "34")),
        ("model.model_dim=12", ("model.rope_dims", "16")),
        ("model.bigram_size=1", ("model.bigram_size", "1")),
        ("model.trigram_size=1", ("model.trigram_size", "1")),
        ("model.xsa_layers=5", ("model.xsa_layers", "num_layers 4", "5")),
        ("model.loop_first=4", ("model.loop_first", "num_layers 4", "4")),
        ("model.loop_blocks=5", ("model.loop_blocks", "at most 4", "5")),
        ("model.loops=0", ("model.loops", "1", "0")),
        ("model.loops=200", ("model.loops", "at most 512 blocks", "800")),
        ("model.value_embed_layers=5", ("model.value_embed_layers", "num_layers 4", "5")),
        ("model.mlp_mult=0.001", ("model.mlp_mult", "0.001")),
        ("train.batch_tokens=8191", ("train.batch_tokens", "sequence_length 256", "8191")),
        ("train.micro_batch_tokens=300", ("train.micro_batch_tokens", "300")),
        ("train.micro_batch_tokens=768", ("train.micro_batch_tokens", "8192", "768")),
        ("train.max_steps=0", ("train.max_steps", "max_seconds")),
        ("score.stride=257", ("score.stride", "window 256", "257")),
    ],
)
def test_a_bad_value_is_refused_with_its_key(override: str, names: tuple[str, ...]) -> None:
    message = refusal("tiny", [override])
    assert "tiny" in message
    for name in names:
        assert name in message


@pytest.mark.parametrize("override", ["", "=", "model", "model.num_layers", "num_layers=3", "model.=3", ".num_layers=3", "model=3", "=3"])
def test_a_malformed_set_is_refused(override: str) -> None:
    assert "overrides: " in refusal("tiny", [override])


def test_set_takes_one_value_and_nothing_after_it() -> None:
    assert "model.num_layers" in refusal("tiny", ["model.num_layers=4\nother = 4"])


def test_a_line_break_in_a_key_does_not_break_the_message(write: Write) -> None:
    assert "num_layers" in refusal(write('[model]\n"num_layers\\n" = 3\n'))


MALFORMED = ["[model\nnum_layers = 3\n", "= 3\n", "[model]\nnum_layers = \n", "[model]\n[model]\n", "a = 'x\ny'\n", "\0"]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_toml_is_refused(text: str, write: Write) -> None:
    path = write(text)
    message = refusal(path)
    assert str(path) in message
    assert "TOML" in message


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('name = "café"'.encode("latin-1"))
    assert str(path) in refusal(path)


@pytest.mark.parametrize("text", ["model = 3\n", "[[model]]\nnum_layers = 3\n", "name = 3\n", "description = true\n", "[name]\n"])
def test_a_section_of_the_wrong_kind_is_refused(text: str, write: Write) -> None:
    assert text.split()[0].strip("[]") in refusal(write(text))


def test_an_unknown_recipe_names_the_known_and_the_nearest() -> None:
    message = refusal("v10_bankd")
    assert "did you mean v10_banked?" in message and "bytegolf recipes" in message
    assert all(name in message for name in ("quickstart", "small", "tiny"))


@pytest.mark.parametrize("name", ["", ".", "/", "missing.toml", "tiny/", "a\nb", "x" * 300, "\0"])
def test_what_is_no_recipe_is_refused(name: str) -> None:
    refusal(name)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_cycle_of_extends_is_refused(length: int, write: Write, tmp_path: Path) -> None:
    for i in range(length):
        write(f'extends = "{(i + 1) % length}.toml"\n', f"{i}.toml")
    assert "extends itself" in refusal(tmp_path / "0.toml")


@pytest.mark.parametrize("parent", ['"tinny"', "3", "true", '["tiny"]', '""'])
def test_extending_what_does_not_exist_is_refused(parent: str, write: Write) -> None:
    refusal(write(f"extends = {parent}\n"))


@pytest.mark.parametrize("key", ["name", "[model]\nnum_layers"])
def test_a_value_nested_beyond_measure(tmp_path: Path, key: str) -> None:
    (tmp_path / "deep.toml").write_text(f"{key}{'.a' * 5000} = 1\n")
    (tmp_path / "deeper.toml").write_text(f'extends = "deep.toml"\n{key}{".a" * 5000} = 2\n')
    for name in ("deep.toml", "deeper.toml"):
        assert len(refusal(tmp_path / name)) < 400 + len(str(tmp_path))
