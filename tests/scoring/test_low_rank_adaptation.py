"""Low-rank adaptation against a plain loop written here, with matrices added up by hand; nothing is scored after it was learned."""

import copy
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call

from bytegolf.arrays import Tokens
from bytegolf.config import BOS, LoraConfig, ScoreConfig
from bytegolf.errors import InputError
from bytegolf.model.gpt import GPT
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.low_rank_adaptation import AdaptedModel, LowRank
from bytegolf.scoring.protocols import score_tokens
from support.models import changed, random_model
from support.protocol_passes import nats_of, reading
from support.scored_texts import config, random_tokens

LAYOUT = config(8, 3)
HOW = LoraConfig(rank=2, lr=0.05)


def score(model: GPT, tokens: Tokens, how: LoraConfig = HOW, layout: ScoreConfig = LAYOUT) -> Score:
    return score_tokens(model, tokens, 1, "lora", layout, lora=how)


def text(targets: int, documents: int = 3, seed: int = 0) -> Tokens:
    """Random tokens in documents of random lengths."""
    tokens = random_tokens(targets + 1, 48)
    tokens[tokens == BOS] = 2
    tokens[np.random.default_rng(seed).choice(targets + 1, documents, replace=False)] = BOS
    return tokens


def adapters_of(model: GPT, how: LoraConfig) -> list[LowRank]:
    return [adapter for adapter in AdaptedModel(model, how).adapters if isinstance(adapter, LowRank)]


def plain_lora(model: GPT, tokens: list[int], layout: ScoreConfig, how: LoraConfig) -> list[float]:
    """Nats of each target, by AdamW as its paper has it (arXiv 1711.05101)."""
    weights = {name: value.detach() for name, value in model.named_parameters()}
    names = ["banks.qo", "banks.kv", "banks.up", "banks.down"]
    drawn = {name: adapter.a.detach() for name, adapter in zip(names, adapters_of(model, how), strict=True)}
    targets = len(tokens) - 1
    bounds = [0, *(place for place in range(1, targets) if tokens[place] == BOS), targets]
    nats: list[float] = []
    for first, stop in pairwise(bounds):
        a = {name: drawn[name].clone() for name in names}
        b = {name: torch.zeros(len(weights[name]), weights[name].shape[1], how.rank) for name in names}
        factors = [(kind, name) for kind in (a, b) for name in names]
        moments = [(torch.zeros_like(kind[name]), torch.zeros_like(kind[name])) for kind, name in factors]
        for step, begin in enumerate(range(first, stop, layout.stride), 1):
            piece = range(begin, min(begin + layout.stride, stop))
            start = max(0, begin + layout.stride - layout.window)
            for kind, name in factors:
                kind[name] = kind[name].detach().requires_grad_()
            banks = {name: weights[name] + torch.einsum("nor,nri->noi", b[name], a[name]) for name in names}
            losses: list[Tensor] = []
            for target in piece:  # one by one, so that none can be seen before it is due
                logits = functional_call(model, {**weights, **banks}, (torch.tensor([tokens[start : target + 1]]),))[0, -1]
                losses.append(-torch.log_softmax(logits, -1)[tokens[target + 1]])
            nats += [float(loss.detach()) for loss in losses]
            torch.stack(losses).mean().backward()
            for (kind, name), (mean, square) in zip(factors, moments, strict=True):
                gradient, value = kind[name].grad, kind[name].detach()
                assert gradient is not None
                mean.copy_(how.beta1 * mean + (1 - how.beta1) * gradient)
                square.copy_(how.beta2 * square + (1 - how.beta2) * gradient**2)
                moved = (mean / (1 - how.beta1**step)) / ((square / (1 - how.beta2**step)).sqrt() + 1e-10)
                kind[name] = value - how.lr * how.weight_decay * value - how.lr * moved
    return nats


@pytest.mark.parametrize("how", [HOW, LoraConfig(rank=3, lr=0.02, weight_decay=0), LoraConfig(rank=1, lr=0.05, beta1=0.9, beta2=0.9)])
@pytest.mark.parametrize("targets", [5, 21, 40])
def test_scores_are_those_of_a_plain_loop(how: LoraConfig, targets: int) -> None:
    model, tokens = random_model(changed()), text(targets)
    expected = math.fsum(plain_lora(model, tokens.tolist(), LAYOUT, how)) / math.log(2)
    found = score(model, tokens, how)
    assert found.bits == pytest.approx(expected, rel=1e-5)
    assert found.learning == {f"lora.{key}": value for key, value in how.model_dump().items()}
    assert found.bits != pytest.approx(score(model, tokens, LoraConfig(lr=0)).bits, rel=1e-4) or targets == 5


def test_text_that_repeats_is_learned() -> None:
    tokens = np.tile(text(24, documents=0), 12)
    model = random_model(changed())
    assert score(model, tokens, LoraConfig(lr=0.03)).bits < 0.8 * score(model, tokens, LoraConfig(lr=0)).bits


def test_a_document_is_learned_as_if_it_were_the_only_one() -> None:
    """Documents isolated, what went before moves nothing by more than rounding."""
    model = random_model(changed(isolate_documents=True))
    document = text(30, documents=0)
    document[0] = BOS
    alone = nats_of("lora", reading(model, document, LAYOUT))
    after = nats_of("lora", reading(model, np.concatenate([text(20, documents=0)[1:], document]), LAYOUT))
    torch.testing.assert_close(after[-len(alone) :], alone, rtol=1e-4, atol=1e-5)


@given(cut=st.integers(1, 40), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_what_follows_moves_no_score(cut: int, seed: int) -> None:
    """Neither other tokens nor the end of a document or of the text, which say where a piece would end."""
    model, tokens = random_model(changed()), text(40, seed=seed)
    whole = nats_of("lora", reading(model, tokens, LAYOUT))[: cut - 1]
    other, ended = tokens.copy(), tokens[: cut + 1].copy()
    other[cut:] = BOS
    for changed_text in (other, ended):
        torch.testing.assert_close(nats_of("lora", reading(model, changed_text, LAYOUT))[: cut - 1], whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(training: bool) -> None:
    model = random_model(changed()).train(training).requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    first, again = score(model, text(40)), score(model, text(40))
    assert first == again and model.training is training
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())


def test_a_rate_that_is_too_high_ends_in_one_line() -> None:
    with pytest.raises(InputError, match=r"expected finite scores.* lora\.lr is too high"):
        score(random_model(changed()), text(70), LoraConfig(lr=1e30))
