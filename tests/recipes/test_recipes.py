"""Recipes: what ships loads, what is written reads back, and every mistake gets one line that names the key."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bytegolf.config import MAX_VOCAB_SIZE, Recipe, Section
from bytegolf.errors import InputError
from bytegolf.recipes import load_recipe, recipe_names, recipe_toml, validate_recipe

SHIPPED = ["small", "tiny", "v10_banked"]


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def refusal(recipe: str | Path, overrides: list[str] | None = None) -> str:
    """The message with which a recipe is refused."""
    with pytest.raises(InputError) as caught:
        load_recipe(recipe, overrides or [])
    message = str(caught.value)
    assert message and "\n" not in message and "\r" not in message
    return message


# --- what ships


def test_the_shipped_recipes_are_listed() -> None:
    assert set(SHIPPED) <= set(recipe_names())
    assert recipe_names() == sorted(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_and_says_what_it_is_for(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_reads_back_as_written(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert load_recipe(write(tmp_path, recipe_toml(recipe))) == recipe


def test_the_written_recipe_holds_every_key_and_its_meaning() -> None:
    text = recipe_toml(load_recipe("tiny"))
    lines = text.splitlines()
    for section, _ in load_recipe("tiny"):
        annotation = Recipe.model_fields[section].annotation
        if isinstance(annotation, type) and issubclass(annotation, Section):
            assert f"[{section}]" in lines
            for key, field in annotation.model_fields.items():
                assert field.description
                assert any(line.startswith(f"{key} = ") and line.endswith(f"# {field.description}") for line in lines)


def test_extending_keeps_what_is_not_said() -> None:
    tiny, small = load_recipe("tiny"), load_recipe("small")
    assert small.model.model_dim == 256
    assert small.model.xsa_layers == tiny.model.xsa_layers
    assert small.qat == tiny.qat


# --- writing and reading back


ANY_TEXT = st.text(max_size=40)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    description=ANY_TEXT,
    base=st.floats(1.0, 1e300, exclude_min=True),
    eps=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 2**62),
    tied=st.booleans(),
    device=ANY_TEXT,
)
@example(description='quotes " and \\ and # and \n', base=1e22, eps=5e-324, seed=0, tied=True, device="cuda:0")
@example(description="😀", base=2.0, eps=1.0, seed=0, tied=True, device="\x7f")
def test_any_recipe_reads_back_as_written(
    tmp_path: Path, description: str, base: float, eps: float, seed: int, tied: bool, device: str
) -> None:
    recipe = validate_recipe(
        {
            "description": description,
            "model": {"rope_base": base, "tie_embeddings": tied},
            "train": {"max_steps": 1, "seed": seed, "device": device},
            "optim": {"adam_eps": eps},
        },
        "drawn",
    )
    assert load_recipe(write(tmp_path, recipe_toml(recipe))) == recipe


# --- extends


def test_a_recipe_extends_a_shipped_one(tmp_path: Path) -> None:
    mine = load_recipe(write(tmp_path, 'extends = "tiny"\nname = "mine"\n[model]\nnum_layers = 6\n'))
    tiny = load_recipe("tiny")
    assert mine.name == "mine"
    assert mine.model == tiny.model.model_copy(update={"num_layers": 6})
    assert (mine.train, mine.optim, mine.pack) == (tiny.train, tiny.optim, tiny.pack)


def test_a_chain_of_extends_lets_the_last_word_win(tmp_path: Path) -> None:
    write(tmp_path, 'extends = "tiny"\n[model]\nnum_layers = 5\nmlp_mult = 2.0\n[optim]\nmatrix_lr = 0.5\n', "a.toml")
    write(tmp_path, 'extends = "a.toml"\n[model]\nnum_layers = 6\n', "b.toml")
    recipe = load_recipe(write(tmp_path, 'extends = "b.toml"\n[model]\nnum_layers = 7\n', "c.toml"), ["model.mlp_leak=0.25"])
    assert (recipe.model.num_layers, recipe.model.mlp_mult, recipe.model.mlp_leak) == (7, 2.0, 0.25)
    assert recipe.optim.matrix_lr == 0.5
    assert recipe.model.xsa_layers == load_recipe("tiny").model.xsa_layers


def test_extends_is_found_beside_the_recipe_that_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parents").mkdir()
    write(tmp_path / "parents", "[train]\nmax_steps = 3\n", "grandparent.toml")
    write(tmp_path / "parents", 'extends = "grandparent.toml"\n', "parent.toml")
    child = write(tmp_path, 'extends = "parents/parent.toml"\n')
    monkeypatch.chdir("/")
    assert load_recipe(child).train.max_steps == 3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_cycle_of_extends_is_refused(length: int, tmp_path: Path) -> None:
    for i in range(length):
        write(tmp_path, f'extends = "{(i + 1) % length}.toml"\n', f"{i}.toml")
    assert "extends itself" in refusal(tmp_path / "0.toml")


@pytest.mark.parametrize("parent", ['"tinny"', "3", "true", '["tiny"]', '""'])
def test_extending_what_does_not_exist_is_refused(parent: str, tmp_path: Path) -> None:
    refusal(write(tmp_path, f"extends = {parent}\n"))


def test_a_section_that_sets_one_key_keeps_the_defaults_of_the_others(tmp_path: Path) -> None:
    """An empty recipe is valid, so one that only sets the seed must be."""
    default = load_recipe(write(tmp_path, ""))
    mine = load_recipe(write(tmp_path, "[train]\nseed = 2\n"))
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


# --- mistakes


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
    assert "--set" in refusal("tiny", [override])


def test_set_takes_one_value_and_nothing_after_it() -> None:
    assert "model.num_layers" in refusal("tiny", ["model.num_layers=4\nother = 4"])


def test_a_line_break_in_a_key_does_not_break_the_message(tmp_path: Path) -> None:
    assert "num_layers" in refusal(write(tmp_path, '[model]\n"num_layers\\n" = 3\n'))


MALFORMED = ["[model\nnum_layers = 3\n", "= 3\n", "[model]\nnum_layers = \n", "[model]\n[model]\n", "a = 'x\ny'\n", "\0"]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_toml_is_refused(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    message = refusal(path)
    assert str(path) in message
    assert "TOML" in message


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('name = "café"'.encode("latin-1"))
    assert str(path) in refusal(path)


@pytest.mark.parametrize("text", ["model = 3\n", "[[model]]\nnum_layers = 3\n", "name = 3\n", "description = true\n", "[name]\n"])
def test_a_section_of_the_wrong_kind_is_refused(text: str, tmp_path: Path) -> None:
    assert text.split()[0].strip("[]") in refusal(write(tmp_path, text))


def test_an_unknown_recipe_names_the_known_and_the_nearest() -> None:
    message = refusal("v10_bankd")
    assert "did you mean v10_banked?" in message
    assert all(name in message for name in SHIPPED)


@pytest.mark.parametrize("name", ["", ".", "/", "missing.toml", "tiny/", "a\nb", "x" * 5000, "\0"])
def test_what_is_no_recipe_is_refused(name: str) -> None:
    refusal(name)


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
