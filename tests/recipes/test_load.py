"""Recipes that ship load; one that extends or overrides others changes what it names and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from bytegolf.config import MAX_VOCAB_SIZE
from bytegolf.errors import InputError
from bytegolf.recipes import load_recipe, read_recipe, recipe_names

Write = Callable[..., Path]
SHIPPED = ["small", "tiny", "v10_banked"]


# --- what ships


def test_the_shipped_recipes_are_listed() -> None:
    assert set(SHIPPED) <= set(recipe_names())
    assert recipe_names() == sorted(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_and_says_what_it_is_for(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description


def test_extending_keeps_what_is_not_said() -> None:
    tiny, small = load_recipe("tiny"), load_recipe("small")
    assert small.model.model_dim == 256
    assert small.model.xsa_layers == tiny.model.xsa_layers
    assert small.qat == tiny.qat


# --- extends


def test_a_recipe_extends_a_shipped_one(write: Write) -> None:
    mine = load_recipe(write('extends = "tiny"\nname = "mine"\n[model]\nnum_layers = 6\n'))
    tiny = load_recipe("tiny")
    assert mine.name == "mine"
    assert mine.model == tiny.model.model_copy(update={"num_layers": 6})
    assert (mine.train, mine.optim, mine.pack) == (tiny.train, tiny.optim, tiny.pack)


def test_a_chain_of_extends_lets_the_last_word_win(write: Write) -> None:
    write('extends = "tiny"\n[model]\nnum_layers = 5\nmlp_mult = 2.0\n[optim]\nmatrix_lr = 0.5\n', "a.toml")
    write('extends = "a.toml"\n[model]\nnum_layers = 6\n', "b.toml")
    recipe = load_recipe(write('extends = "b.toml"\n[model]\nnum_layers = 7\n', "c.toml"), ["model.mlp_leak=0.25"])
    assert (recipe.model.num_layers, recipe.model.mlp_mult, recipe.model.mlp_leak) == (7, 2.0, 0.25)
    assert recipe.optim.matrix_lr == 0.5
    assert recipe.model.xsa_layers == load_recipe("tiny").model.xsa_layers


def test_extends_is_found_beside_the_recipe_that_says_it(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write("[train]\nmax_steps = 3\n", "parents/grandparent.toml")
    write('extends = "grandparent.toml"\n', "parents/parent.toml")
    child = write('extends = "parents/parent.toml"\n')
    monkeypatch.chdir("/")
    assert load_recipe(child).train.max_steps == 3


def test_a_section_that_sets_one_key_keeps_the_defaults_of_the_others(write: Write) -> None:
    default = load_recipe(write('description = "all defaults"\n'))
    mine = load_recipe(write("[train]\nseed = 2\n"))
    assert mine.train == default.train.model_copy(update={"seed": 2})


# --- overrides


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("model.num_layers=7", 7),
        ("model.vocab_size=65_536", 65_536),
        ("model.xsa_layers=0", 0),
        ("model.mlp_mult=2.5", 2.5),
        ("optim.adam_eps=1e-10", 1e-10),
        ("train.max_seconds=30", 30.0),
        ("model.tie_embeddings=false", False),
        ("train.compile=true", True),
        ("train.dtype=bfloat16", "bfloat16"),
        ('train.dtype="float32"', "float32"),
        ("train.device=cuda:1", "cuda:1"),
        ("text.tokenizer=bytes", "bytes"),
        (" model.num_layers = 7 ", 7),
    ],
)
def test_set_takes_every_type(override: str, value: object) -> None:
    section, key = override.partition("=")[0].strip().split(".")
    found = getattr(getattr(load_recipe("v10_banked", [override]), section), key)
    assert found == value
    assert type(found) is type(value)


def test_the_last_set_wins() -> None:
    assert load_recipe("tiny", ["train.seed=3", "train.seed=4"]).train.seed == 4


def test_set_changes_nothing_else() -> None:
    before, after = load_recipe("tiny"), load_recipe("tiny", ["train.seed=3"])
    assert after == before.model_copy(update={"train": before.train.model_copy(update={"seed": 3})})


def test_the_vocabulary_is_capped_by_the_shards() -> None:
    assert load_recipe("tiny", [f"model.vocab_size={MAX_VOCAB_SIZE}"]).model.vocab_size == 65_536


# --- frozen


@pytest.mark.parametrize("name", recipe_names())
def test_recipes_are_frozen(name: str) -> None:
    recipe = load_recipe(name)
    for part, key, value in ((recipe, "name", "other"), (recipe, "model", recipe.model), (recipe.model, "num_layers", 3)):
        with pytest.raises(ValidationError):
            setattr(part, key, value)
    with pytest.raises(ValidationError):
        recipe.train.new_key = 3  # type: ignore[attr-defined]


def test_loading_again_gives_an_equal_recipe_that_shares_nothing_mutable() -> None:
    assert load_recipe("tiny") == load_recipe("tiny")
    assert hash(load_recipe("tiny")) == hash(load_recipe("tiny"))


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "tiny"\n[model]\nnum_layers = 5\n', encoding="utf-8-sig")
    assert load_recipe(tmp_path / "mine.toml").model.num_layers == 5


# --- what a run keeps


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, "expected the recipe of a run, found .*No such file"),
        (b"\xff", "expected the recipe of a run, found .*decode"),
        (b"[", "expected TOML, found"),
        (b"", "expected keys of a recipe, found none"),
        (b'extends = "tiny"', "unknown key extends"),
        (b"[model]\nnum_layers = 0", r"model\.num_layers: "),
    ],
)
def test_what_is_no_recipe_of_a_run(tmp_path: Path, data: bytes | None, found: str) -> None:
    path = tmp_path / "recipe.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=f"recipe {path}: {found}"):
        read_recipe(path)
