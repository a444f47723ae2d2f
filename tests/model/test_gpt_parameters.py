"""How many parameters a model has, what each is called, and what they are at the start."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_count, parameter_shapes
from bytegolf.model.weights import weight_class
from bytegolf.recipes import load_recipe
from support.models import CHANGES, EVERYTHING, changed, random_tokens
from support.reference_order import reference_order

SIZES = {
    "baseline": (ModelConfig(num_layers=9, mlp_mult=2, smear_gate=False), 17_059_912),
    "12 layers without value embedding": (
        ModelConfig(num_layers=12, depth_scale=True, rope_dims=16, xsa_layers=4, bigram_size=10_240, bigram_dim=128),
        30_240_353,
    ),
    "tiny": (load_recipe("tiny").model, 928_148),
    "small": (load_recipe("small").model, 4_029_492),
    "v10_banked": (load_recipe("v10_banked").model, 30_404_196),
    "v9": (load_recipe("v10_banked", ["model.num_layers=13"]).model, 32_765_548),
    "v11": (load_recipe("v10_banked", ["model.num_layers=11", "model.bigram_size=3072", "model.bigram_dim=112"]).model, 27_067_484),
}


@pytest.mark.parametrize(("config", "count"), SIZES.values(), ids=SIZES)
def test_parameter_counts_of_the_seed_system(config: ModelConfig, count: int) -> None:
    assert parameter_count(config) == count


@st.composite
def shapes(draw: st.DrawFn) -> ModelConfig:
    kv_heads, group, head_dim = draw(st.integers(1, 4)), draw(st.integers(1, 3)), 2 * draw(st.integers(1, 8))
    layers, dim = draw(st.integers(1, 9)), kv_heads * group * head_dim
    widths = st.one_of(st.integers(1, 40), st.just(dim), st.just(kv_heads * head_dim))
    rows = st.one_of(st.just(0), st.integers(2, 50))
    loop_first = draw(st.integers(0, layers - 1))
    return ModelConfig(
        vocab_size=draw(st.integers(2, 300)),
        num_layers=layers,
        loop_first=loop_first,
        loop_blocks=draw(st.integers(0, layers - loop_first)),
        loops=draw(st.integers(1, 4)),
        model_dim=dim,
        num_heads=kv_heads * group,
        num_kv_heads=kv_heads,
        mlp_mult=draw(st.sampled_from([1.0, 1.3, 2.0, 3.0])),
        tie_embeddings=draw(st.booleans()),
        residual_mix=draw(st.booleans()),
        unet_skips=draw(st.booleans()),
        smear_gate=draw(st.booleans()),
        bigram_size=draw(rows),
        bigram_dim=draw(widths),
        trigram_size=draw(rows),
        trigram_dim=draw(widths),
        value_embed_layers=draw(st.integers(0, layers)),
        value_embed_dim=draw(widths),
    )


def formula(c: ModelConfig) -> int:
    """N of section 2.6, with each switch's term left out when it is off."""
    L, D, V, H = c.num_layers, c.model_dim, c.vocab_size, c.num_heads
    kv, M = D // H * c.num_kv_heads, int(c.mlp_mult * D)

    def table(rows: int, width: int, out: int) -> int:
        return rows * width + (out * width if width != out else 0) + 1

    return (
        V * D * (1 if c.tie_embeddings else 2)
        + L * (2 * D * D + 2 * kv * D + 2 * M * D)
        + L * (2 * D + H + 2 * D * c.residual_mix)
        + len(reference_order(c)) // 2 * D * c.unet_skips
        + D * c.smear_gate
        + (table(c.bigram_size, c.bigram_dim, D) if c.bigram_size else 0)
        + (table(c.trigram_size, c.trigram_dim, D) if c.trigram_size else 0)
        + (table(V, c.value_embed_dim, kv) + c.value_embed_layers if c.value_embed_layers else 0)
    )


@settings(max_examples=60, deadline=None)
@given(shapes())
def test_parameter_count_follows_the_formula(config: ModelConfig) -> None:
    assert parameter_count(config) == formula(config)


@pytest.mark.parametrize("case", CHANGES)
def test_shapes_without_allocation_are_those_of_the_model(case: str) -> None:
    config = changed(**CHANGES[case])
    assert parameter_shapes(config) == {name: parameter.shape for name, parameter in GPT(config).named_parameters()}


def test_the_largest_model_is_measured_without_memory() -> None:
    largest = ModelConfig(num_layers=512, model_dim=16_384, num_heads=512, num_kv_heads=512, mlp_mult=64, vocab_size=65_536)
    assert parameter_count(largest) == formula(largest)


def test_every_weight_has_its_class() -> None:
    config = changed(tie_embeddings=False)
    found = {name: weight_class(name) for name in parameter_shapes(config)}
    hashed = {f"{table}.{part}" for table in ("bigram", "trigram", "value_embedding") for part in ("table", "projection")}
    assert {name for name, kind in found.items() if kind == "mlp"} == {"banks.up", "banks.down"}
    assert {name for name, kind in found.items() if kind == "attention"} == {"banks.qo", "banks.kv"}
    assert {name for name, kind in found.items() if kind == "embedding"} == {"tokens", "head"}
    assert {name for name, kind in found.items() if kind in ("table", "projection")} == hashed
    assert all(
        name.startswith("controls.") or name.split(".")[-1] in ("gate", "scale", "layer_scales")
        for name, kind in found.items()
        if kind == "control"
    )


def initialised(config: ModelConfig, seed: int = 1) -> GPT:
    model = GPT(config)
    model.initialise(seed)
    return model


def test_the_same_seed_gives_the_same_bits() -> None:
    torch.manual_seed(1)
    first = initialised(EVERYTHING).state_dict()
    torch.manual_seed(2)  # the global generator plays no part
    second = initialised(EVERYTHING).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_initialising_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    initialised(EVERYTHING)
    assert torch.equal(torch.get_rng_state(), before)


def test_another_seed_gives_other_matrices() -> None:
    first, second = initialised(EVERYTHING, 1).state_dict(), initialised(EVERYTHING, 2).state_dict()
    projections = {name for name in first if name.endswith("projection")}
    random = {"tokens", "banks.qo", "banks.kv", "banks.up", "value_embedding.table", *projections}
    assert {name for name in first if not torch.equal(first[name], second[name])} == random


def test_initial_values() -> None:
    """The numbers of sections 2.1–2.5."""
    config = changed(model_dim=96, num_heads=4, vocab_size=2000, qk_gain=1.7, embed_init_std=0.02, value_embed_dim=64)
    weights = {name: value.detach() for name, value in initialised(config).named_parameters()}
    L = config.num_layers
    constants = {
        "bigram.table": 0.0,
        "trigram.table": 0.0,
        "bigram.scale": 0.05,
        "trigram.scale": 0.02,
        "smear.gate": 0.0,
        "value_embedding.scale": 0.1,
        "value_embedding.layer_scales": 1.0,
        "controls.attention_scale": 1.0,
        "controls.mlp_scale": 1.0,
        "controls.q_gain": 1.7,
        "controls.skips": 1.0,
        "banks.down": 0.0,
    }
    for name, value in constants.items():
        assert torch.equal(weights[name], torch.full_like(weights[name], value)), name
    assert (weights["controls.residual_mix"][:, 0] == 1).all() and (weights["controls.residual_mix"][:, 1] == 0).all()
    assert (weights["banks.qo"][L:] == 0).all()
    for matrix in (*weights["banks.qo"][:L], *weights["banks.kv"], *weights["banks.up"], weights["bigram.projection"]):
        tall = matrix if len(matrix) >= matrix.shape[1] else matrix.T
        torch.testing.assert_close(tall.T @ tall, torch.eye(tall.shape[1]), rtol=0, atol=1e-5)
    assert weights["tokens"].std().item() == pytest.approx(0.02, rel=0.02)
    assert weights["value_embedding.table"].std().item() == pytest.approx(0.01, rel=0.02)


def test_banks_may_start_uniform_as_linear_layers_do_by_default() -> None:
    """The stock baseline's: ±1/sqrt(inputs), whatever the number of outputs. All else is as ever."""
    config = changed(model_dim=96, num_heads=4, num_kv_heads=1)
    model, orthogonal = GPT(config), initialised(config).state_dict()
    model.initialise(1, "uniform")
    weights, layers = model.state_dict(), config.num_layers
    for matrix in (*weights["banks.qo"][:layers], *weights["banks.kv"], *weights["banks.up"]):
        assert 0.99 / 96**0.5 < matrix.abs().max() <= 1 / 96**0.5
        assert matrix.std().item() == pytest.approx(1 / (3 * 96) ** 0.5, rel=0.05)
        assert abs(matrix.mean()) < 0.1 / 96**0.5
    assert (weights["banks.qo"][layers:] == 0).all() and (weights["banks.down"] == 0).all()
    assert torch.equal(weights["tokens"], orthogonal["tokens"])


def test_an_untied_head_starts_at_zero_and_its_embedding_at_one() -> None:
    weights = initialised(changed(tie_embeddings=False, vocab_size=2000)).state_dict()
    assert (weights["head"] == 0).all()
    assert weights["tokens"].std().item() == pytest.approx(1.0, rel=0.02)


def test_at_the_start_every_block_is_the_identity() -> None:
    """Without skips, which add to the stream, the head then reads the embedding itself."""
    config = changed(unet_skips=False, isolate_documents=False)
    model, tokens = initialised(config), random_tokens(config)
    with torch.no_grad():
        x0 = model.embed(tokens, None)
        assert torch.equal(model(tokens), model.logits(x0))
        for name in ("banks.qo", "banks.kv", "banks.up"):  # whatever reaches the outputs, these are zero
            model.get_parameter(name)[: config.num_layers].mul_(7)
        assert torch.equal(model(tokens), model.logits(x0))


@pytest.mark.parametrize("dim", [1, 8, 63, 64])
def test_no_branch_is_dead_at_the_start(dim: int) -> None:
    """Defect C3: a table narrower than 64 had zeros on both sides, so neither ever got a gradient."""
    config = changed(bigram_dim=dim, trigram_dim=dim, value_embed_dim=dim)
    model, tokens = initialised(config), random_tokens(config)
    first, second, third = (alive_after_sgd(model, tokens) for _ in range(3))
    assert {"bigram.table", "trigram.table"} <= first
    assert {"bigram.projection", "bigram.scale", "trigram.projection", "trigram.scale"} <= second
    assert third == {name for name, _ in model.named_parameters()}


def alive_after_sgd(model: GPT, tokens: torch.Tensor) -> set[str]:
    """Take one step of SGD; the names of the parameters that had a gradient."""
    model.zero_grad()
    logits = model(tokens)
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flip(1).flatten()).backward()
    with torch.no_grad():
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.sub_(0.1 * parameter.grad)
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None and parameter.grad.abs().max() > 0}
