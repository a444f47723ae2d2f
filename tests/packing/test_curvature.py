"""Curvature against the Fisher information worked out exactly, and against what the loss does when weights move."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from bytegolf.artifact.shapes import stack_shape
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.packing.curvature import Curvature, curvatures, row_uses
from support.models import changed, random_model

CONFIG = changed(vocab_size=64, num_layers=1, xsa_layers=1, value_embed_layers=1, unet_skips=False)
REPEATS = 400


def batch(seed: int = 0, sequences: int = 1, length: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, CONFIG.vocab_size, (sequences, length))


def exact(model: GPT, tokens: np.ndarray) -> dict[str, Curvature]:
    """Of one sequence: every target at every position has its gradient, weighed by its probability."""
    parameters = dict(model.named_parameters())
    logits = model(torch.from_numpy(tokens))[0]
    log_probabilities = logits.log_softmax(-1)
    columns: dict[str, Tensor] = {}
    rows: dict[str, Tensor] = {}
    for position in range(tokens.shape[1]):
        for target in range(CONFIG.vocab_size):
            gradients = torch.autograd.grad(-log_probabilities[position, target], list(parameters.values()), retain_graph=True)
            probability = float(log_probabilities[position, target].detach().exp()) / tokens.shape[1]
            for (name, parameter), gradient in zip(parameters.items(), gradients, strict=True):
                stack = gradient.reshape(stack_shape(parameter.shape)).double()
                columns[name] = columns.get(name, 0) + probability * stack.mT @ stack / stack.shape[1]
                rows[name] = rows.get(name, 0) + probability * stack.square().mean(2)
    return {name: Curvature(columns[name], rows[name]) for name in parameters}


def test_drawn_targets_tell_the_fisher_information() -> None:
    """To the noise of some hundred draws, for matrices, tables and gains alike: though gradients are of whole batches."""
    model = random_model(CONFIG).eval()
    expected = exact(model, batch())
    found = curvatures(model, [batch()] * REPEATS)
    assert found.keys() == expected.keys()
    for name, curvature in expected.items():
        for ours, theirs in ((found[name].columns, curvature.columns), (found[name].rows, curvature.rows)):
            assert ours.shape == theirs.shape and ours.dtype == torch.float64
            total = float(theirs.diagonal(dim1=1, dim2=2).sum() if theirs.dim() == 3 else theirs.sum())
            again = float(ours.diagonal(dim1=1, dim2=2).sum() if ours.dim() == 3 else ours.sum())
            assert again == pytest.approx(total, rel=0.25), name
            assert float((ours - theirs).norm()) <= 0.35 * float(theirs.norm()) + 1e-12, name


def test_it_foretells_what_noise_costs() -> None:
    """Half the curvature times the square of a small change is the divergence of the predictions, on average over changes."""
    model = random_model(CONFIG).eval()
    tokens = [batch(seed) for seed in range(200)]
    curvature = curvatures(model, tokens)["banks.up"]
    before = [model(torch.from_numpy(text))[0].log_softmax(-1).detach() for text in tokens[:40]]
    weight, kept = model.banks.up, model.banks.up.detach().clone()
    generator, scale = torch.Generator().manual_seed(0), 0.01
    costs = []
    for _ in range(8):
        with torch.no_grad():
            weight.copy_(kept + scale * torch.randn(kept.shape, generator=generator))
            after = [model(torch.from_numpy(text))[0].log_softmax(-1) for text in tokens[:40]]
        costs.append(float(np.mean([float((old.exp() * (old - new)).sum(-1).mean()) for old, new in zip(before, after, strict=True)])))
    foretold = 0.5 * scale**2 * float(curvature.rows.sum()) * kept.shape[2]
    assert float(np.mean(costs)) == pytest.approx(foretold, rel=0.3)


def test_the_same_text_tells_the_same() -> None:
    model = random_model(CONFIG).eval()
    first, second = (curvatures(model, [batch(), batch(1)]) for _ in range(2))
    assert all(torch.equal(first[name].columns, second[name].columns) for name in first)


def test_a_model_that_diverged() -> None:
    model = random_model(CONFIG)
    with torch.no_grad():
        model.banks.up.fill_(1e30)
    with pytest.raises(InputError, match="diverged"):
        curvatures(model, [batch()])


def test_rows_are_counted() -> None:
    model = random_model(CONFIG)
    texts = [batch(seed, sequences=2) for seed in range(3)]
    uses = row_uses(model, texts)
    flat = np.concatenate([text.ravel() for text in texts])
    for name in ("tokens", "value_embedding.table"):
        np.testing.assert_array_equal(uses[name], np.bincount(flat, minlength=CONFIG.vocab_size))
    expected = np.zeros(CONFIG.bigram_size, np.int64)
    for text in texts:
        for row in text.tolist():
            expected[CONFIG.bigram_size - 1] += 1
            for before, token in pairwise(row):
                expected[(36313 * token ^ 27191 * before) % (CONFIG.bigram_size - 1)] += 1
    np.testing.assert_array_equal(uses["bigram.table"], expected)


def test_the_model_is_left_as_it_was() -> None:
    """Neither gradients nor mode of the model are changed."""
    model = random_model(CONFIG).eval()
    curvatures(model, [batch()])
    assert all(parameter.grad is None for parameter in model.parameters()) and not model.training
