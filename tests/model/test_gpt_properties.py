"""What holds whatever the weights are: no look-ahead, isolated documents, no state between calls."""

import math

import pytest
import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.model.attention import rotary_tables
from bytegolf.model.gpt import GPT
from support.models import EVERYTHING, changed, random_model, random_tokens

ROUNDING = 1e-6  # attention over another number of rows may sum in another order
LENGTH = 13

EVERY_SWITCH = [
    pytest.param(EVERYTHING, id="isolated"),
    pytest.param(changed(isolate_documents=False), id="not isolated"),
    pytest.param(changed(tie_embeddings=False, xsa_layers=4), id="untied, xsa everywhere"),
    pytest.param(changed(loop_first=1, loop_blocks=2, loops=3), id="looped"),
]


@torch.no_grad()
def moved_positions(model: GPT, tokens_BT: Tensor, changed_BT: Tensor) -> list[int]:
    """Positions whose logits differ between two batches."""
    difference = (model(tokens_BT) - model(changed_BT)).abs().amax(dim=(0, 2))
    return [t for t, moved in enumerate(difference.tolist()) if moved > ROUNDING]


def other_token(token: int, config: ModelConfig) -> int:
    """A different token that is not a document start."""
    return 2 + (token - 2 + 5) % (config.vocab_size - 2)


@pytest.mark.parametrize("config", EVERY_SWITCH)
def test_no_logits_move_before_a_changed_token(config: ModelConfig) -> None:
    model, tokens = random_model(config), random_tokens(config, LENGTH)
    for t in range(LENGTH):
        edited = tokens.clone()
        edited[:, t] = torch.tensor([other_token(token, config) for token in tokens[:, t].tolist()])
        moved = moved_positions(model, tokens, edited)
        assert t in moved, "the change must be seen where it was made"
        assert min(moved) == t


@pytest.mark.parametrize("config", EVERY_SWITCH)
def test_no_logits_move_when_the_text_goes_on(config: ModelConfig) -> None:
    model, tokens = random_model(config), random_tokens(config, LENGTH)
    with torch.no_grad():
        whole = model(tokens)
        for length in range(1, LENGTH):
            torch.testing.assert_close(model(tokens[:, :length]), whole[:, :length], rtol=0, atol=1e-5)


# Documents of one row: [0, 4), [4, 5), [5, 10), [10, 13). The first one's start is the row's, not a BOS.
STARTS = (0, 4, 5, 10)


def four_documents(config: ModelConfig) -> Tensor:
    tokens = torch.randint(2, config.vocab_size, (1, LENGTH), generator=torch.Generator().manual_seed(3))
    tokens[0, list(STARTS[1:])] = 1
    return tokens


@pytest.mark.parametrize("xsa_layers", [0, 4])
def test_a_changed_token_moves_nothing_in_another_document(xsa_layers: int) -> None:
    config = changed(xsa_layers=xsa_layers)
    model, tokens = random_model(config), four_documents(config)
    for start, end in zip(STARTS, (*STARTS[1:], LENGTH), strict=True):
        for t in range(start, end):
            if tokens[0, t] == 1:
                continue  # without its BOS the document would be part of the one before it
            edited = tokens.clone()
            edited[0, t] = other_token(int(tokens[0, t]), config)
            moved = moved_positions(model, tokens, edited)
            assert moved and set(moved) <= set(range(t, end))


def test_without_isolation_a_changed_token_reaches_the_next_document() -> None:
    """The property above can fail."""
    config = changed(isolate_documents=False)
    model, tokens = random_model(config), four_documents(config)
    edited = tokens.clone()
    edited[0, 1] = other_token(int(tokens[0, 1]), config)
    assert max(moved_positions(model, tokens, edited)) >= STARTS[1]


def test_an_isolated_document_has_the_logits_it_has_alone() -> None:
    model, tokens = random_model(EVERYTHING), four_documents(EVERYTHING)
    with torch.no_grad():
        together = model(tokens)
        for start, end in zip(STARTS, (*STARTS[1:], LENGTH), strict=True):
            torch.testing.assert_close(model(tokens[:, start:end]), together[:, start:end], rtol=0, atol=2e-5)


@pytest.mark.parametrize("config", EVERY_SWITCH)
def test_last_is_the_tail_of_the_whole(config: ModelConfig) -> None:
    model, tokens = random_model(config), random_tokens(config, LENGTH)
    with torch.no_grad():
        whole = model(tokens)
        for n in (1, 2, LENGTH - 1, LENGTH):
            tail = model(tokens, last=n)
            assert tail.shape == (len(tokens), n, config.vocab_size)
            torch.testing.assert_close(tail, whole[:, -n:], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("config", EVERY_SWITCH)
def test_a_row_does_not_depend_on_its_batch(config: ModelConfig) -> None:
    model, tokens = random_model(config), random_tokens(config, LENGTH)
    with torch.no_grad():
        together = model(tokens)
        alone = torch.cat([model(row[None]) for row in tokens])
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", EVERY_SWITCH)
def test_bfloat16_compute_stays_near_float32(config: ModelConfig) -> None:
    tokens = random_tokens(config, LENGTH)
    exact, rounded = random_model(config), random_model(config, compute_dtype=torch.bfloat16)
    with torch.no_grad():
        expected, found = exact(tokens), rounded(tokens)
    assert found.dtype == torch.float32, "the softcap works in float32 (defect A10)"
    error = (found - expected).square().mean().sqrt() / expected.std()
    assert error < 0.05


def test_the_head_of_a_bfloat16_model_is_float32() -> None:
    """Defect A10: undo the softcap; what went into it does not lie on bfloat16's grid."""
    config = changed(logit_softcap=30.0)
    model = random_model(config, compute_dtype=torch.bfloat16)
    with torch.no_grad():
        logits = model(random_tokens(config, LENGTH)).double()
    z = 30 * torch.atanh(logits / 30)
    off_grid = (z - z.bfloat16()).abs() > 1e-5 * z.abs()
    assert off_grid.float().mean() > 0.9


@pytest.mark.parametrize("compute_dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("scored_length", [4, 9, 20])
def test_training_works_after_inference_at_any_length(compute_dtype: torch.dtype, scored_length: int) -> None:
    """Defect C7: tables cached under inference mode made the first backward raise."""
    config, fresh = EVERYTHING, random_model(EVERYTHING, compute_dtype=compute_dtype)
    used = random_model(config, compute_dtype=compute_dtype)
    with torch.inference_mode():
        used(random_tokens(config, scored_length, seed=1))
    tokens = random_tokens(config, 9)
    for model in (used, fresh):
        model(tokens).square().mean().backward()
    for (name, found), expected in zip(used.named_parameters(), fresh.parameters(), strict=True):
        assert found.grad is not None and expected.grad is not None and torch.equal(found.grad, expected.grad), name


def test_a_forward_leaves_no_tensor_on_the_model() -> None:
    model = random_model(EVERYTHING)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    attributes = {name: sorted(vars(module)) for name, module in model.named_modules()}
    model(random_tokens(EVERYTHING))
    assert {name: sorted(vars(module)) for name, module in model.named_modules()} == attributes
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not list(model.buffers())


@pytest.mark.parametrize("rotated", [16, 64])
def test_every_position_has_a_rotary_table_of_its_own(rotated: int) -> None:
    """Defect A1: in bfloat16 only 641 of 2048 positions differed, and cosines were off by up to 2."""
    length, base = 2048, 10_000.0
    tables = rotary_tables(length, rotated, base, torch.device("cpu"), torch.float32)
    assert tables.cos.shape == tables.sin.shape == (length, rotated // 2)
    assert len(torch.cat(tables, dim=1).unique(dim=0)) == length
    angles = torch.tensor([[t * base ** (-2 * c / rotated) for c in range(rotated // 2)] for t in range(length)], dtype=torch.float64)
    half_ulp_of_the_largest_angle = length * 2.0**-24
    tolerance = 3 * half_ulp_of_the_largest_angle  # roundings of the exponent, of the frequency and of the product
    assert (tables.cos - angles.cos()).abs().max() < tolerance
    assert (tables.sin - angles.sin()).abs().max() < tolerance


def test_bfloat16_rotary_tables_are_the_float32_ones_rounded_once() -> None:
    exact = rotary_tables(2048, 16, 10_000.0, torch.device("cpu"), torch.float32)
    rounded = rotary_tables(2048, 16, 10_000.0, torch.device("cpu"), torch.bfloat16)
    assert torch.equal(rounded.cos, exact.cos.bfloat16()) and torch.equal(rounded.sin, exact.sin.bfloat16())


def test_a_rotated_score_depends_on_the_distance_alone() -> None:
    """Neighbours score alike wherever they stand; with the tables of A1 their score had a standard deviation of 0.12."""
    cos, sin = rotary_tables(2048, 16, 10_000.0, torch.device("cpu"), torch.float32)
    # the score of equal q and k is the sum of cos(angle_t − angle_{t−1}), up to a factor
    score = (cos[1:] * cos[:-1] + sin[1:] * sin[:-1]).sum(-1)
    exact = math.fsum(math.cos(10_000.0 ** (-2 * c / 16)) for c in range(8))
    assert (score - exact).abs().max() < 1e-3
