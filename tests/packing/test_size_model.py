"""The artifact's size is predicted to a few percent before there are weights."""

import numpy as np
import pytest

from bytegolf.artifact.adaptive_coder import encode_trellis
from bytegolf.artifact.grid import GAUSSIAN_BITS
from bytegolf.config import Recipe
from bytegolf.model.weights import Bits
from bytegolf.packing.baseline import quantize_baseline
from bytegolf.packing.fit import Fitted
from bytegolf.packing.lattice import RATE_SHARE, TRELLIS_ERROR
from bytegolf.packing.methods import RateLadder
from bytegolf.packing.plan import plan_artifact
from bytegolf.packing.rounding import quantize_model
from bytegolf.packing.size_model import gaussian_entropy, trellis_entropy
from bytegolf.packing.viterbi import ARRIVALS, ColumnBlock, round_block
from bytegolf.recipes import load_recipe
from bytegolf.text.tokenizer import BpeTokenizer, BytesTokenizer, Tokenizer
from support.packing_cases import normal_weights, random_lattices


def prediction_error(recipe: Recipe, tokenizer: Tokenizer) -> float:
    """Relative, of the whole file, at the bits planned."""
    plan = plan_artifact(recipe)
    return plan.predicted_bytes / len(packed(recipe, tokenizer, plan.bits).file.data) - 1


def packed(recipe: Recipe, tokenizer: Tokenizer, bits: Bits) -> Fitted:
    """Normal weights by the recipe's method at these bits."""
    weights = normal_weights(recipe)
    if recipe.pack.method == "baseline":
        return Fitted.of(quantize_baseline(weights, recipe, tokenizer))
    if recipe.pack.method == "gptq":
        return Fitted.of(quantize_model(weights, recipe, tokenizer, bits))
    fixed = {f"{kind}_bits": amount for kind, amount in bits.items() if kind != "projection"}
    recipe = recipe.model_copy(update={"pack": recipe.pack.model_copy(update=fixed)})
    return Fitted.of(RateLadder(random_lattices(weights, recipe), recipe, tokenizer).at(bits["mlp"]))


@pytest.mark.parametrize(
    ("name", "budget"), [("tiny", 200_000), ("tiny", 500_000), ("tiny", 1_000_000), ("small", 900_000), ("small", 3_000_000)]
)
def test_the_predicted_size_is_the_size(name: str, budget: int, bpe: BpeTokenizer) -> None:
    """For normal weights, as planned: within 2 %, and 3 % at 1.7 bits a weight."""
    recipe = load_recipe(name, [f"pack.budget={budget}"])
    plan = plan_artifact(recipe)
    assert plan.fits and 0 <= budget - plan.predicted_bytes <= max(64, budget // 10_000)
    assert abs(prediction_error(recipe, bpe)) <= (0.03 if budget == 200_000 else 0.02)


def test_the_predicted_size_with_bits_of_the_recipe(bpe: BpeTokenizer) -> None:
    recipe = load_recipe("tiny", ["pack.mlp_bits=3", "pack.attention_bits=4", "pack.table_bits=2", "pack.embedding_bits=6"])
    assert abs(prediction_error(recipe, bpe)) <= 0.02


def test_the_predicted_size_of_a_byte_model() -> None:
    recipe = load_recipe("tiny", ["text.tokenizer=bytes", "model.vocab_size=260"])
    assert abs(prediction_error(recipe, BytesTokenizer())) <= 0.01


@pytest.mark.parametrize(("name", "budget"), [("tiny", 500_000), ("small", 2_000_000)])
@pytest.mark.parametrize(("method", "coder"), [("gptq", "range"), ("baseline", "range"), ("gptq", "zlib"), ("gptq", "zstd")])
def test_the_predicted_size_by_other_ways_to_pack(name: str, budget: int, method: str, coder: str, bpe: BpeTokenizer) -> None:
    """Within 5 %; GPTQ changes no size."""
    recipe = load_recipe(name, [f"pack.method={method}", f"pack.coder={coder}", f"pack.budget={budget}"])
    assert abs(prediction_error(recipe, bpe)) <= 0.05


@pytest.mark.parametrize("coder", ["zlib", "zstd", "lzma"])
@pytest.mark.parametrize("bits", [4, 8])
def test_the_predicted_size_of_fixed_widths(coder: str, bits: int, bpe: BpeTokenizer) -> None:
    recipe = load_recipe("tiny", ["pack.method=baseline", f"pack.coder={coder}", f"pack.mlp_int={bits}", f"pack.attention_int={bits}"])
    assert abs(prediction_error(recipe, bpe)) <= 0.05
    assert plan_artifact(recipe).bits["mlp"] == bits


def test_parts_of_fixed_widths(bpe: BpeTokenizer) -> None:
    recipe = load_recipe("small", ["pack.method=baseline"])
    plan = plan_artifact(recipe)
    sections = packed(recipe, bpe, plan.bits).file.sections
    for part in ("mlp", "attention", "table", "projection", "row_spacings", "kept", "controls"):
        assert plan.predicted[part] == pytest.approx(sections[part], rel=0.05, abs=800), part


def test_every_part_is_predicted(bpe: BpeTokenizer) -> None:
    """No error hides behind another."""
    recipe = load_recipe("small")
    plan = plan_artifact(recipe)
    sections = packed(recipe, bpe, plan.bits).file.sections
    actual = {**sections, "container": sections["container"] + sections["header"]}
    rough = {"tokenizer": 3000, "scales": 5000, "controls": 5000, "projection": 4000}  # few bytes, and what is trained decides
    for part, predicted in plan.predicted.items():
        assert predicted == pytest.approx(actual[part], rel=0.01, abs=rough.get(part, 600)), part


# --- entropy of rounded normal numbers


def integrated_entropy(spacing: float) -> float:
    """Bits: the density of a unit normal integrated over each cell of the grid, with Simpson's rule."""
    cells = np.arange(-np.ceil(9 / spacing), np.ceil(9 / spacing) + 1)
    x = (cells[:, None] + np.linspace(-0.5, 0.5, 201)) * spacing
    weights = np.tile([2.0, 4.0], 101)[:201]
    weights[[0, -1]] = 1
    shares = (np.exp(-x * x / 2) / np.sqrt(2 * np.pi)) @ weights * spacing / 600
    assert shares.sum() == pytest.approx(1, abs=1e-9)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


@pytest.mark.parametrize("bits", [0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.5, 6.0, 9.0])
def test_entropy_of_a_rounded_normal(bits: float) -> None:
    spacing = np.sqrt(2 * np.pi * np.e) * 2.0**-bits
    assert gaussian_entropy(bits) == pytest.approx(integrated_entropy(float(spacing)), rel=1e-6)


def test_bits_are_the_entropy_at_high_rates_and_less_at_low_ones() -> None:
    for bits in (5.0, 6.0, 8.0, 12.0):
        assert gaussian_entropy(bits) == pytest.approx(bits, abs=0.002)
    for bits in (1.0, 2.0, 3.0):
        assert bits < gaussian_entropy(bits) < bits + 0.25


@pytest.mark.parametrize("bits", [0.5, 0.75, 1.0, 1.25, 1.75, 2.25, 3.0, 3.5, 5.0])
def test_entropy_on_a_trellis(bits: float) -> None:
    """What the coder makes of a large matrix of normal weights."""
    side, spacing = 512, 2.0 ** (GAUSSIAN_BITS - bits)
    levels = np.empty((side, side), np.int32)
    weights = np.random.default_rng(0).standard_normal((side, side))
    shrinkage = np.full((side, side), RATE_SHARE * TRELLIS_ERROR)
    round_block(ColumnBlock(weights, np.eye(side), np.full(side, spacing), np.ones(side), shrinkage), ARRIVALS, levels)
    coded = 8 * len(encode_trellis([levels.T >> 1], [np.zeros(side, np.int32)])) / side**2
    assert trellis_entropy(bits) == pytest.approx(coded, abs=0.04)
