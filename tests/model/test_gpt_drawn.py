"""No look-ahead, isolated documents and independent rows, forward and backward: any model with every switch on, any text.

`test_gpt_properties.py` walks through every position of a few models; here models, texts and edits are drawn.
"""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.config import BOS, ModelConfig
from bytegolf.model.gpt import GPT
from support.drawn_models import every_switch, inner_texts, texts
from support.models import random_model

ROUNDING = 1e-5  # of logits up to 10, in batches of other sizes or after other text; where a leak moves them at all, by far more
models = settings(max_examples=80, deadline=None)


def drawn_model(data: st.DataObject, isolate_documents: bool | None = None) -> tuple[GPT, ModelConfig]:
    config = data.draw(every_switch(isolate_documents))
    return random_model(config, seed=data.draw(st.integers(0, 1000))), config


@torch.no_grad()
def logits_of(model: GPT, *rows: Tensor) -> Tensor:
    """(rows, T, V)"""
    logits: Tensor = model(torch.stack(rows))
    return logits


def gradients(model: GPT, tokens_T: Tensor, positions: slice) -> dict[str, Tensor]:
    """Of the loss at some positions of one row, for targets that have nothing to do with it."""
    targets = torch.arange(len(tokens_T)) % model.config.vocab_size
    loss = torch.nn.functional.cross_entropy(model(tokens_T[None])[0, positions], targets[positions])
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """To the rounding of the largest gradient: a small one may be a sum of large ones that cancel."""
    largest = max(float(gradient.abs().max()) for gradient in expected.values())
    torch.testing.assert_close(found, expected, rtol=0, atol=ROUNDING * largest)


@models
@given(data=st.data())
def test_a_changed_token_moves_no_distribution_before_it(data: st.DataObject) -> None:
    """All positions at once, row t with another token at t. The new one, or the old, may start a document."""
    model, config = drawn_model(data)
    text = data.draw(texts(config, data.draw(st.integers(1, 14))))
    shift = data.draw(st.integers(1, config.vocab_size - 1))
    edited = [text.index_fill(0, torch.tensor(t), int(text[t] + shift) % config.vocab_size) for t in range(len(text))]
    original, *moved = logits_of(model, text, *edited)
    for t, logits in enumerate(moved):
        torch.testing.assert_close(logits[:t], original[:t], rtol=0, atol=ROUNDING)
        assert (logits[t] - original[t]).abs().max() > 0, "the change must be seen where it was made"


@models
@given(data=st.data())
def test_the_loss_of_a_beginning_has_its_gradients_whatever_follows(data: st.DataObject) -> None:
    model, config = drawn_model(data)
    beginning, one, other = (data.draw(texts(config, data.draw(st.integers(1, 7)))) for _ in range(3))
    first, second = (gradients(model, torch.cat((beginning, rest)), slice(0, len(beginning))) for rest in (one, other))
    assert_same(second, first)


@models
@given(data=st.data())
def test_the_last_distributions_are_those_of_the_whole_text(data: st.DataObject) -> None:
    model, config = drawn_model(data)
    text = data.draw(texts(config, data.draw(st.integers(1, 14))))
    last = data.draw(st.integers(1, len(text)))
    with torch.no_grad():
        tail, whole = model(text[None], last=last), model(text[None])
    assert tail.shape == (1, last, config.vocab_size)
    torch.testing.assert_close(tail, whole[:, len(text) - last :], rtol=0, atol=ROUNDING)


def drawn_documents(data: st.DataObject, config: ModelConfig) -> list[Tensor]:
    """Two to four documents; only the first may begin without the token that starts one."""
    lengths = data.draw(st.lists(st.integers(0, 5), min_size=2, max_size=4))
    documents = [torch.cat((torch.tensor([BOS]), data.draw(inner_texts(config, length)))) for length in lengths]
    if len(documents[0]) > 1 and data.draw(st.booleans()):
        documents[0] = documents[0][1:]
    return documents


def with_other_text_around(data: st.DataObject, config: ModelConfig, documents: list[Tensor], kept: int) -> list[Tensor]:
    """All documents but one written anew at the same lengths, perhaps with more starts inside."""
    return [
        document if index == kept else torch.cat((document[:1], data.draw(texts(config, len(document) - 1))))
        for index, document in enumerate(documents)
    ]


@models
@given(data=st.data())
def test_other_documents_move_no_distribution(data: st.DataObject) -> None:
    model, config = drawn_model(data, isolate_documents=True)
    documents = drawn_documents(data, config)
    variants = [with_other_text_around(data, config, documents, kept) for kept in range(len(documents))]
    original, *moved = logits_of(model, torch.cat(documents), *(torch.cat(variant) for variant in variants))
    ends = torch.tensor([len(document) for document in documents]).cumsum(0).tolist()
    for document, end, logits in zip(documents, ends, moved, strict=True):
        inside = slice(end - len(document), end)
        torch.testing.assert_close(logits[inside], original[inside], rtol=0, atol=ROUNDING)


@models
@given(data=st.data())
def test_other_documents_have_no_part_in_a_gradient(data: st.DataObject) -> None:
    model, config = drawn_model(data, isolate_documents=True)
    documents = drawn_documents(data, config)
    kept = data.draw(st.integers(0, len(documents) - 1))
    variant = with_other_text_around(data, config, documents, kept)
    start = sum(len(document) for document in documents[:kept])
    inside = slice(start, start + len(documents[kept]))
    assert_same(gradients(model, torch.cat(variant), inside), gradients(model, torch.cat(documents), inside))


@models
@given(data=st.data())
def test_other_rows_of_a_batch_move_nothing(data: st.DataObject) -> None:
    model, config = drawn_model(data)
    length = data.draw(st.integers(1, 10))
    row, *others = (data.draw(texts(config, length)) for _ in range(4))
    alone = logits_of(model, row)[0]
    torch.testing.assert_close(logits_of(model, row, *others)[0], alone, rtol=0, atol=ROUNDING)
    torch.testing.assert_close(logits_of(model, *others, row)[-1], alone, rtol=0, atol=ROUNDING)
