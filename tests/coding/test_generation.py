"""Generated text against the model's own distributions, and what ends it."""

import itertools
from typing import Any

import numpy as np
import pytest

from bytegolf.coding.generation import Generation, GenerationLimits, prompt_tokens
from bytegolf.coding.lane_predictor import LanePredictor
from bytegolf.coding.sampling import Sampling
from bytegolf.config import BOS, ExpertsConfig
from bytegolf.errors import ParameterError
from bytegolf.exact.model import ExactModel
from bytegolf.exact.reader import read_windows
from bytegolf.text.tokenizer import BytesTokenizer
from support.exact_models import drawn_weights, frequencies
from support.models import changed
from support.proofs import marking, without_bytes

CONFIG = changed(vocab_size=260)
MODEL = ExactModel.of(CONFIG, drawn_weights(CONFIG))
PLAIN, GREEDY = Sampling(), Sampling(0.0)


def generation(
    prompt: str = "",
    sampling: Sampling = PLAIN,
    tokens: int = 40,
    stop: bool = False,
    seed: int = 1,
    window: int = 16,
    experts: bool = False,
) -> Generation:
    settings = ExpertsConfig(enabled=True, table_bits=8, history_bits=8) if experts else None
    predictor = LanePredictor(MODEL, settings, 1, window)
    return Generation(predictor, BytesTokenizer(), prompt, sampling, GenerationLimits(tokens, stop), seed)


def test_the_likeliest_token_of_the_whole_text_is_taken() -> None:
    made = generation("prompt", GREEDY, tokens=20, window=64)
    text = [BOS, *(b"prompt"[i] + 4 for i in range(6))]
    for piece in made:
        assert piece.token == frequencies(MODEL, read_windows(MODEL, np.array([text]), last=1))[0, 0].argmax()
        text.append(piece.token)


@pytest.mark.parametrize("experts", [False, True])
def test_a_seed_is_a_text(experts: bool) -> None:
    made: list[dict[str, Any]] = [generation("to be", seed=seed, experts=experts).to_json() for seed in (1, 1, 2)]
    for result in made:
        assert 0 < result.pop("first_token_seconds") < result.pop("seconds") and result.pop("tokens_per_second") > 0
    assert made[0] == made[1] and made[0]["text"] != made[2]["text"]
    assert made[0] == {**made[0], "tokens": 40, "prompt_tokens": 5, "seed": 1, "ended": False, "experts": experts}


def test_pieces_are_whole_characters_and_make_the_text() -> None:
    """Random bytes are seldom UTF-8: what is broken shows as U+FFFD, and nothing else is lost or cut."""
    made = generation(tokens=300)
    pieces = list(made)
    assert "".join(piece.text for piece in pieces) == made.text
    data = BytesTokenizer().decode([piece.token for piece in pieces])
    assert made.text == data.decode(errors="replace")
    assert any(not piece.text for piece in pieces)


@pytest.mark.parametrize("prompt", ["The", "THE QUICK"])
def test_capitals_come_out_of_their_marks(prompt: str) -> None:
    """Also where a mark and its word are in different tokens, or the word of the prompt goes on."""
    config, tokenizer = changed(vocab_size=420), marking()
    model, upper = ExactModel.of(config, drawn_weights(config)), 0
    for seed in range(12):
        made = Generation(LanePredictor(model, None, 1, 16), tokenizer, prompt, PLAIN, GenerationLimits(50, stop=False), seed)
        tokens = [piece.token for piece in made]
        assert prompt + made.text == tokenizer.decode([*made.prompt_tokens, *tokens]).decode(errors="replace")
        upper += any(letter.isupper() for letter in made.text)
    assert upper


def test_what_follows_does_not_depend_on_how_much_is_asked_for() -> None:
    short, long = (list(generation("a", tokens=tokens)) for tokens in (10, 30))
    assert [piece.token for piece in long[:10]] == [piece.token for piece in short]


def test_a_consumer_may_stop_anywhere() -> None:
    made = generation(tokens=1_000_000)
    assert len(list(itertools.islice(made, 5))) == len(made.tokens) == 5


def test_a_document_ends_the_text_unless_it_is_told_to_go_on() -> None:
    going_on = generation(tokens=3000, seed=3)
    tokens = [piece.token for piece in going_on]
    assert BOS in tokens and not going_on.ended
    ending = generation(tokens=3000, seed=3, stop=True)
    assert [piece.token for piece in ending] == tokens[: tokens.index(BOS) + 1] and ending.ended


def test_beyond_the_window_a_prompt_is_read_as_if_it_had_been_generated() -> None:
    slow = LanePredictor(MODEL, None, 1, 16)
    for token in prompt_tokens(BytesTokenizer(), "x" * 70):
        slow.predict()
        slow.observe(np.array([token]))
    for piece in generation("x" * 70, GREEDY):
        assert piece.token == slow.predict()[0].argmax()
        slow.observe(np.array([piece.token]))


def test_a_prompt_that_is_no_text() -> None:
    with pytest.raises(ParameterError, match=r"^prompt: expected text in UTF-8, found something else at character 2"):
        generation("ab\udcff")


def test_a_prompt_that_the_vocabulary_lacks() -> None:
    with pytest.raises(ParameterError, match=r"^prompt: expected text that the model's vocabulary can spell"):
        prompt_tokens(without_bytes(), "日本")
