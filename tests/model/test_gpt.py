"""The model agrees with the equations: forward and backward, every switch, against tests/model/reference.py."""

import pytest
import torch
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.recipes import load_recipe
from support.model_reference import reference_logits
from support.models import CHANGES, SEED_SHAPES, changed, random_model, random_tokens

TOLERANCE = 1e-5  # float32 against float64


def reference_parameters(model: GPT) -> dict[str, Tensor]:
    """The model's parameters in float64, so that what differs is the model's own rounding."""
    return {name: parameter.detach().double().requires_grad_() for name, parameter in model.named_parameters()}


def cross_entropy(logits_BTV: Tensor, tokens_BT: Tensor) -> Tensor:
    """Of any fixed targets; here the tokens in reverse."""
    return torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1), tokens_BT.flip(1).flatten())


def assert_gradients_agree(model: GPT, expected: dict[str, Tensor], scalars: bool) -> None:
    """No element is off by more than TOLERANCE of its tensor's largest."""
    for name, parameter in model.named_parameters():
        if scalars or name.split(".")[-1] not in ("scale", "layer_scales"):
            found, wanted = parameter.grad, expected[name].grad
            assert found is not None and wanted is not None
            size = wanted.abs().max().item()
            assert size > 0, f"{name}: the reference's gradient is zero, so nothing would be compared"
            error = (found.double() - wanted).abs().max().item()
            assert error <= TOLERANCE * size, f"{name}: gradients differ by {error}, the largest is {size}"


@pytest.mark.parametrize("case", CHANGES)
def test_forward_and_backward_agree_with_the_reference(case: str) -> None:
    config = changed(**CHANGES[case])
    model, tokens = random_model(config), random_tokens(config)
    expected_parameters = reference_parameters(model)

    logits = model(tokens)
    expected = reference_logits(expected_parameters, config, tokens)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.double(), expected, rtol=TOLERANCE, atol=TOLERANCE)

    loss = model(tokens, targets=tokens.flip(1))
    expected_loss = cross_entropy(expected, tokens)
    torch.testing.assert_close(loss.double(), expected_loss, rtol=TOLERANCE, atol=TOLERANCE)
    loss.backward()
    expected_loss.backward()
    assert_gradients_agree(model, expected_parameters, scalars=False)

    # A scalar's gradient is one sum over the batch that may cancel to nearly nothing, beyond what float32 can tell.
    exact = random_model(config, compute_dtype=torch.float64).double()
    exact(tokens, targets=tokens.flip(1)).backward()
    assert_gradients_agree(exact, expected_parameters, scalars=True)


@pytest.mark.parametrize("case", ["everything", "5 layers", "documents not isolated"])
def test_float64_compute_agrees_to_the_rounding_of_the_float32_head(case: str) -> None:
    config = changed(**CHANGES[case])
    model, tokens = random_model(config, compute_dtype=torch.float64), random_tokens(config)
    expected = reference_logits(reference_parameters(model), config, tokens)
    torch.testing.assert_close(model(tokens).double(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("isolate", [False, True])
def test_the_shortest_sequences_agree_with_the_reference(length: int, isolate: bool) -> None:
    config = changed(isolate_documents=isolate)
    model, tokens = random_model(config), random_tokens(config, length)
    expected = reference_logits(reference_parameters(model), config, tokens)
    torch.testing.assert_close(model(tokens).double(), expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_hashes_of_the_largest_token_ids_do_not_overflow() -> None:
    """Defect C5: in int32, 36313 · 65535 wraps around."""
    config = changed(**CHANGES["largest vocabulary"], bigram_size=1009, trigram_size=1013)
    model = random_model(config)
    tokens = torch.arange(65_535, 65_535 - 24, -1).reshape(2, 12)
    expected = reference_logits(reference_parameters(model), config, tokens)
    torch.testing.assert_close(model(tokens).double(), expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_cases_switch_off_every_switch() -> None:
    """A new model field must get a case of its own."""
    tried = {field for change in CHANGES.values() for field in change}
    not_in_the_forward_pass = {"qk_gain", "embed_init_std"}
    assert tried | not_in_the_forward_pass == set(ModelConfig.model_fields)


def test_the_cases_have_the_depths_of_the_seed_system() -> None:
    assert {changed(**SEED_SHAPES[case]).num_layers for case in SEED_SHAPES} == {9, 10, 11, 12, 13}


def test_the_small_v10_is_its_recipe_but_for_sizes() -> None:
    small, whole = changed(**SEED_SHAPES["12 layers, v10"]), load_recipe("v10_banked").model
    different = {field for field in ModelConfig.model_fields if getattr(small, field) != getattr(whole, field)}
    sizes = {"vocab_size", "model_dim", "rope_dims", "bigram_size", "bigram_dim", "value_embed_dim", "trigram_dim"}
    assert different <= sizes | {"rope_base", "logit_softcap"}, "these two so that little numbers show much"
    assert small.rope_dims / small.head_dim == whole.rope_dims / whole.head_dim
