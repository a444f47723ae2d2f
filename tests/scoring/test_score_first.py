"""Test-time training: nothing is scored after it was learned, nothing learned before it was scored."""

from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bytegolf.config import ScoreConfig, TttConfig
from bytegolf.scoring.protocols import score_tokens
from bytegolf.scoring.windows import sliding_windows
from support.scored_models import Toy
from support.scored_texts import config
from support.ttt_scores import score, ttt


class Diary(list[tuple[str, list[int]]]):
    """What happened to which tokens; one for a model and its copies."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Diary":
        return self


class Noting(Toy):
    """Notes the targets that it scores, and the tokens that it is trained on."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self.diary = diary
        self.logit = nn.Parameter(torch.tensor(0.5))

    def hidden(self, tokens_BT: Tensor, last: int | None = None) -> Tensor:
        return tokens_BT

    def nats(self, tokens_BT: Tensor, targets_Bn: Tensor) -> Tensor:
        assert (torch.isin(tokens_BT.amax(1), targets_Bn - 1)).all()  # a window ends before its last target
        self.diary.append(("score", targets_Bn.flatten().tolist()))
        return self.logit.detach() + torch.ones_like(targets_Bn, dtype=torch.float32)

    def forward(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        assert torch.is_grad_enabled() and torch.equal(tokens_BT[:, 1:], targets_BT[:, :-1])
        self.diary.append(("learn", sorted({*tokens_BT.flatten().tolist(), *targets_BT.flatten().tolist()})))
        return 0 * self.logit


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, ScoreConfig, TttConfig]:
    window = draw(st.integers(1, 12))
    layout = config(window, draw(st.integers(1, window)), draw(st.integers(1, 40)))
    how = ttt(chunk_tokens=draw(st.integers(1, 60)), epochs=draw(st.integers(0, 3)), batch_sequences=draw(st.integers(1, 4)))
    return draw(st.integers(1, 150)), layout, how


@given(case=cases())
@settings(max_examples=300, deadline=None)
def test_every_token_is_scored_once_and_before_it_is_learned(case: tuple[int, ScoreConfig, TttConfig]) -> None:
    """Tokens are their own positions, so that the diary says which they were."""
    targets, layout, how = case
    diary = Diary()
    entered = 0

    def enter(count: int) -> None:
        nonlocal entered
        diary.append(("ledger", list(range(entered + 1, entered + count + 1))))
        entered += count

    score_tokens(Noting(diary), np.arange(targets + 1, dtype=np.uint16), 1, "ttt", layout, enter, ttt=how)  # type: ignore[arg-type]

    known = {0}  # the first token is given
    learned: set[int] = set()
    for event, tokens in diary:
        if event == "score":
            assert not learned.intersection(tokens)
        elif event == "ledger":
            assert known.isdisjoint(tokens)
            known.update(tokens)
        else:
            assert known.issuperset(tokens), "only what stands in the ledger may be learned"
            learned.update(tokens)
    assert known == set(range(targets + 1))
    assert sorted(token for event, tokens in diary if event == "score" for token in tokens) == list(range(1, targets + 1))


@given(case=cases())
@settings(max_examples=300, deadline=None)
def test_a_chunk_is_learned_in_whole_sequences_until_nothing_is_left_to_score(case: tuple[int, ScoreConfig, TttConfig]) -> None:
    targets, layout, how = case
    diary = Diary()
    score(Noting(diary), np.arange(targets + 1, dtype=np.uint16), how, layout)
    *_, last = sliding_windows(targets, layout)
    at_once = max(1, layout.batch_tokens // layout.window)
    expected = []
    for chunk in range(last.first // how.chunk_tokens):
        begin = chunk * how.chunk_tokens
        begins = [begin + i * layout.window for i in range(how.chunk_tokens // layout.window)]
        for _ in range(how.epochs):
            for i in range(0, len(begins), how.batch_sequences):
                batch = begins[i : i + how.batch_sequences]
                parts = [batch[j : j + at_once] for j in range(0, len(batch), at_once)]
                expected += [sorted({begin + t for begin in part for t in range(layout.window + 1)}) for part in parts]
    assert [tokens for event, tokens in diary if event == "learn"] == expected


def test_no_more_sequences_at_once_than_are_scored_at_once() -> None:
    diary = Diary()
    shapes: list[torch.Size] = []

    class Shapes(Noting):
        def forward(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
            shapes.append(tokens_BT.shape)
            return super().forward(tokens_BT, targets_BT)

    score(Shapes(diary), np.arange(201, dtype=np.uint16), ttt(chunk_tokens=104, batch_sequences=7, epochs=1), config(8, 3, 32))
    assert shapes == [(4, 8), (3, 8), (4, 8), (2, 8)]  # 13 sequences: batches of 7 and 6, of which 4 fit
