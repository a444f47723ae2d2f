"""Reading piece by piece: against one pass over the whole text in which every position sees what its piece lets it see."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.config import ModelConfig
from bytegolf.model.gpt import GPT
from bytegolf.model.stream import Stream
from support.drawn_models import every_switch, texts
from support.model_reference import _Sequence
from support.models import CHANGES, changed, random_model, random_tokens

TOLERANCE = 1e-5  # float32 angles and head
BOUNDED = {"num_layers": 1, "xsa_layers": 1, "value_embed_layers": 1, "smear_gate": False, "bigram_size": 0, "trigram_size": 0}


class Streamed(_Sequence):
    """A position sees its document as far as its piece and the `reach` positions before that go."""

    def __init__(self, parameters: dict[str, Tensor], config: ModelConfig, tokens: list[int], pieces: list[int], reach: int) -> None:
        super().__init__(parameters, config, tokens)
        self.sight = [max(0, sum(pieces[:i]) - reach) for i, piece in enumerate(pieces) for _ in range(piece)]

    def attend(self, q_Th: Tensor, k_Th: Tensor, v_Th: Tensor) -> Tensor:
        rows = []
        for t, q in enumerate(q_Th):
            past = slice(max(self.starts[t], self.sight[t]), t + 1)
            rows.append(torch.softmax(k_Th[past] @ q / len(q) ** 0.5, dim=0) @ v_Th[past])
        return torch.stack(rows)


def lengths(total: int) -> st.SearchStrategy[list[int]]:
    """Ways to cut a text into pieces."""
    return st.sets(st.integers(1, total - 1)).map(lambda cuts: [b - a for a, b in pairwise([0, *sorted(cuts), total])])


@torch.no_grad()
def streamed(model: GPT, tokens_BT: Tensor, pieces: Sequence[int], reach: int) -> Tensor:
    stream = Stream(model, reach)
    return torch.cat([stream.logits(piece) for piece in tokens_BT.split(list(pieces), dim=1)], dim=1)


@given(data=st.data(), reach=st.integers(0, 12), length=st.integers(2, 24))
@settings(deadline=None, max_examples=60)
def test_agrees_with_one_pass_over_what_is_in_sight(data: st.DataObject, reach: int, length: int) -> None:
    config = data.draw(every_switch())
    model = random_model(config, compute_dtype=torch.float64).double()
    tokens, pieces = data.draw(texts(config, length)), data.draw(lengths(length))
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    expected = Streamed(parameters, config, tokens.tolist(), pieces, reach).logits()
    torch.testing.assert_close(streamed(model, tokens[None], pieces, reach)[0], expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("case", CHANGES)
def test_with_everything_in_sight_it_is_the_forward(case: str) -> None:
    config = changed(**CHANGES[case])
    model, tokens = random_model(config), random_tokens(config, 12)
    with torch.no_grad():
        whole = model(tokens)
    for pieces in ([12], [1] * 12, [5, 1, 6]):
        torch.testing.assert_close(streamed(model, tokens, pieces, reach=12), whole, rtol=TOLERANCE, atol=TOLERANCE)


def test_the_length_of_the_text_before_does_not_matter() -> None:
    """To the last bit: angles start anew in every piece. With one layer all that counts is in sight."""
    model = random_model(changed(**BOUNDED, isolate_documents=False))
    far, near = (torch.randint(2, 48, (1, length), generator=torch.Generator().manual_seed(length)) for length in (3000, 36))
    after_far = streamed(model, torch.cat((far, near), dim=1), [12] * 253, reach=24)
    after_nothing = streamed(model, near, [12] * 3, reach=24)
    assert torch.equal(after_far[:, -12:], after_nothing[:, -12:])
    assert not torch.allclose(after_far[:, -13], after_nothing[:, -13]), "one piece before, more text is in sight"


@pytest.mark.parametrize("isolate", [False, True])
@pytest.mark.parametrize("reach", [0, 3, 7])
def test_a_changed_token_moves_nothing_before_it_nor_in_other_documents(isolate: bool, reach: int) -> None:
    model = random_model(changed(isolate_documents=isolate))
    pieces, starts = [4, 4, 1, 4, 4], [0, 6, 11, 17]  # documents begin inside pieces
    tokens = torch.randint(2, 48, (1, 17), generator=torch.Generator().manual_seed(1))
    tokens[0, starts[1:-1]] = 1
    before = streamed(model, tokens, pieces, reach)
    for t in (t for t in range(17) if t not in starts):
        edited = tokens.clone()
        edited[0, t] = 2 + int(tokens[0, t]) % 46
        moved = (streamed(model, edited, pieces, reach) - before).abs().amax(dim=(0, 2)) > 1e-6
        end = min(start for start in starts if start > t) if isolate else 17
        assert moved[t] and not moved[:t].any() and not moved[end:].any()


def test_texts_side_by_side_are_texts_alone() -> None:
    model, tokens = random_model(changed()), random_tokens(changed(), 20)
    together = streamed(model, tokens, [7, 7, 6], reach=5)
    alone = torch.cat([streamed(model, row[None], [7, 7, 6], reach=5) for row in tokens])
    torch.testing.assert_close(together, alone, rtol=TOLERANCE, atol=TOLERANCE)


def positions(kept: Tensor | None) -> int:
    assert kept is not None
    return kept.shape[2]


@pytest.mark.parametrize("reach", [0, 2, 9])
def test_no_more_is_kept_than_is_needed(reach: int) -> None:
    stream = Stream(random_model(changed()), reach)
    for piece in random_tokens(changed(), 40).split(4, dim=1):
        stream.logits(piece)
        assert all(positions(cache.keys) == positions(cache.values) <= reach for cache in stream.caches)
        assert stream.tokens is not None and stream.tokens.shape[1] <= max(reach, 3)
    assert positions(stream.caches[0].keys) == reach


def test_costs_are_those_of_the_logits() -> None:
    model, tokens = random_model(changed()), random_tokens(changed(), 9)
    with torch.no_grad():
        logits, costs = Stream(model, 4).logits(tokens), Stream(model, 4).nats(tokens, tokens)
    torch.testing.assert_close(costs, torch.nn.functional.cross_entropy(logits.mT, tokens, reduction="none"))
