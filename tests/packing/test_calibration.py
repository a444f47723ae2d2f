"""What matrices read, observed without a change to what the model computes; and that GPTQ by it pays on a trained model."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.model.weights import WeightClass
from bytegolf.packing.calibration import calibrate, input_moments
from bytegolf.packing.fit import fit
from bytegolf.packing.gptq import ErrorFeedback
from bytegolf.packing.methods import GridLadder
from bytegolf.packing.rounding import nearest, quantize_model
from bytegolf.text.tokenizer import BytesTokenizer
from support.artifacts import grids_of
from support.models import CHANGES, changed, random_model, random_tokens
from support.packing_cases import output_error
from support.trained import Trained

TOKENIZER = BytesTokenizer()


# --- moments against those of matrices that are watched from outside


def watched_inputs(model: GPT, tokens: Tensor) -> dict[str, list[Tensor]]:
    """What torch itself is asked to multiply each matrix with, by "name place". Shares nothing with the package's observer."""
    seen: dict[str, list[Tensor]] = {}
    by_pointer = {}
    layers = model.config.num_layers
    for name, parameter in model.named_parameters():
        if name.startswith("banks."):
            by_pointer.update({matrix.data_ptr(): (name, place) for place, matrix in enumerate(parameter)})

    class Listener(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, function, types, arguments=(), keywords=None):  # type: ignore[no-untyped-def]
            if function is torch.Tensor.__matmul__ or function is torch.Tensor.matmul:
                x, weight = arguments
                listen(x, weight.T)
            return function(*arguments, **(keywords or {}))

    def listen(x: Tensor, weight: Tensor) -> None:
        if weight.data_ptr() in by_pointer:
            name, place = by_pointer[weight.data_ptr()]
            seen.setdefault(f"{name} {place}", []).append(x.detach().flatten(0, -2))
        for name in ("bigram.projection", "trigram.projection", "value_embedding.projection", "tokens", "head"):
            own = dict(model.named_parameters()).get(name)
            if own is not None and own.data_ptr() == weight.data_ptr():
                seen.setdefault(f"{name} 0", []).append(x.detach().flatten(0, -2))
        if weight.shape == (2 * model.config.kv_dim, model.config.model_dim):  # keys and values in one product
            for place in range(layers):
                if torch.equal(weight[: model.config.kv_dim], model.banks.kv[place]):
                    for half in (place, layers + place):
                        seen.setdefault(f"banks.kv {half}", []).append(x.detach().flatten(0, -2))

    with Listener(), torch.enable_grad():  # with gradients all products are torch's own
        model(tokens)
    return seen


@pytest.mark.parametrize(
    "case", ["everything", "untied head", "bare", "3 layers", "no hashes", "bigram without projection", "one kv head", "looped"]
)
def test_moments_are_those_of_the_inputs(case: str) -> None:
    config = changed(**{**CHANGES[case], "num_layers": CHANGES[case].get("num_layers", 3), "xsa_layers": 1, "value_embed_layers": 1})
    model = random_model(config)
    tokens = random_tokens(config, length=17)
    found = input_moments(model, [tokens.numpy()])
    seen = watched_inputs(model, tokens)
    expected_names = {f"{name} {place}" for name, stack in found.items() for place in range(len(stack))}
    assert expected_names == set(seen)
    for name, stack in found.items():
        for place, moment in enumerate(stack):
            x = torch.cat(seen[f"{name} {place}"]).double()
            scale = config.logit_softcap if name in ("tokens", "head") else 1.0  # the head divides its input by the cap
            expected = scale**2 * x.T @ x / tokens.numel()
            torch.testing.assert_close(moment, expected, rtol=1e-3, atol=1e-4 * float(expected.diagonal().mean()), msg=f"{name} {place}")


def test_observing_changes_nothing() -> None:
    """Neither the model, nor what it computes while it is observed: the head reads what it reads without."""
    model = random_model(changed())
    tokens = random_tokens(model.config)
    before = model(tokens)
    x = model.hidden(tokens)
    places: list[str] = []
    observed = model.hidden(tokens, observe=lambda place, _: places.append(place))
    assert torch.equal(observed, x) and len(places) == len(set(places))
    moments = input_moments(model, [tokens.numpy(), tokens.numpy()])
    assert torch.equal(model(tokens), before)
    x = x.double()
    normed = x / x.square().mean(-1, keepdim=True).sqrt()
    expected = torch.einsum("btd,bte->de", normed, normed) / tokens.numel()
    torch.testing.assert_close(moments["tokens"][0], expected, rtol=1e-4, atol=1e-5)


def test_moments_are_means_over_all_batches() -> None:
    model = random_model(changed())
    tokens = random_tokens(model.config).numpy()
    together = input_moments(model, [tokens])
    apart = input_moments(model, [tokens[:1], tokens[1:]])
    for name, stack in together.items():
        for one, other in zip(stack, apart[name], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_a_model_that_diverged() -> None:
    model = random_model(changed())
    with torch.no_grad():
        model.banks.up.fill_(1e30)
    with pytest.raises(InputError, match="finite activations"):
        input_moments(model, [random_tokens(model.config).numpy()])


# --- on a trained model


def test_tokens_of_the_calibration(trained: Trained) -> None:
    """As many as the recipe says, or as there are, and each batch is told."""
    for asked, expected in ((1, 32), (100, 96), (10**9, (len(trained.stream) - 1) // 32 * 32)):
        pack = trained.recipe.pack.model_copy(update={"calibration_tokens": asked})
        told: list[int] = []
        calibrate(trained.model, trained.recipe.model_copy(update={"pack": pack}), trained.stream, told.append)
        assert sum(told) == expected


@pytest.mark.parametrize("bits", [2.0, 3.0, 4.0])
def test_every_matrix_is_better_off(trained: Trained, bits: float) -> None:
    """In the error of its output."""
    kinds: tuple[WeightClass, ...] = ("mlp", "attention", "embedding", "table", "projection")
    classes = dict.fromkeys(kinds, bits)
    rounding = ErrorFeedback(trained.moments, trained.recipe.pack)
    plain, fed = (quantize_model(trained.weights, trained.recipe, TOKENIZER, classes, by) for by in (nearest, rounding))
    compared = 0
    for name, stack in trained.moments.items():
        weight = trained.weights[name].reshape(-1, *trained.weights[name].shape[-2:])
        for place, own in enumerate(stack):
            errors = [output_error(torch.from_numpy(found.weights.values(name)[place]) - weight[place], own) for found in (plain, fed)]
            assert errors[1] < errors[0], (name, place, errors)
            compared += 1
    assert compared == 15  # 4 + 4 + 2 + 2 matrices of banks, the head, two projections
    for name, same in grids_of(plain).stacks.items():
        np.testing.assert_array_equal(same.spacings, grids_of(fed).stacks[name].spacings)


def test_the_model_is_better_off_at_equal_size(trained: Trained) -> None:
    """Budgets of which rounding to the nearest makes a loss that shows."""
    rounding = ErrorFeedback(trained.moments, trained.recipe.pack)
    lossless = trained.bpb(trained.model)
    for budget in (11_000, 12_000, 14_000):
        plain, fed = (fit(GridLadder(trained.weights, trained.recipe, TOKENIZER, by), budget) for by in (nearest, rounding))
        assert budget - 64 <= len(fed.file.data) <= budget
        losses = [trained.bpb(found.artifact.model()) - lossless for found in (plain, fed)]
        assert 0 < losses[1] < losses[0], (budget, losses)
