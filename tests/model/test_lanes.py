"""Reading a token at a time: against one pass over the whole text in which every position sees what was in sight then."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.model.gpt import GPT
from bytegolf.model.lanes import Lanes
from bytegolf.model.stream import Stream
from model.test_stream import TOLERANCE, Streamed
from support.drawn_models import every_switch, texts
from support.models import changed, random_model, random_tokens


def in_sight(length: int, window: int) -> list[int]:
    """The first position that each one sees: the window's older half goes when it is full."""
    sight, first = [], 0
    for position in range(length):
        if position - first == window:
            first = position - window // 2
        sight.append(first)
    return sight


@torch.no_grad()
def stepped(model: GPT, tokens_BT: Tensor, window: int) -> Tensor:
    steps = Lanes(model, window)
    return torch.stack([steps.logits(tokens_B) for tokens_B in tokens_BT.unbind(1)], dim=1)


@given(data=st.data(), window=st.integers(1, 12), length=st.integers(1, 24))
@settings(deadline=None, max_examples=60)
def test_agrees_with_one_pass_over_what_is_in_sight(data: st.DataObject, window: int, length: int) -> None:
    config = data.draw(every_switch())
    model = random_model(config, compute_dtype=torch.float64).double()
    tokens = data.draw(texts(config, length))
    reference = Streamed({name: parameter.detach() for name, parameter in model.named_parameters()}, config, tokens.tolist(), [length], 0)
    reference.sight = in_sight(length, window)
    torch.testing.assert_close(stepped(model, tokens[None], window)[0], reference.logits(), rtol=TOLERANCE, atol=TOLERANCE)


def test_texts_side_by_side_do_not_know_of_each_other() -> None:
    model = random_model(changed())
    tokens = random_tokens(model.config, 20)
    together = stepped(model, tokens, 8)
    torch.testing.assert_close(together, torch.cat([stepped(model, text[None], 8) for text in tokens]), rtol=1e-4, atol=1e-4)


def test_agrees_with_streaming_while_everything_is_in_sight() -> None:
    model = random_model(changed())
    tokens = random_tokens(model.config, 20)
    stream = Stream(model, reach=32)
    with torch.no_grad():
        streamed = torch.cat([stream.logits(piece) for piece in tokens.split(1, dim=1)], dim=1)
    torch.testing.assert_close(stepped(model, tokens, 32), streamed, rtol=1e-5, atol=1e-5)
