"""Mistyped names, which are refused with the name that was meant."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bytegolf.recipes.similar import edit_distance, nearest_variable
from bytegolf.recipes.variables import VARIABLES
from support.environments import NAMES, refusal


def slips(name: str) -> st.SearchStrategy[str]:
    """`name` with one slip of the fingers."""
    letters, places = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"), st.integers(0, len(name) - 1)
    return st.one_of(
        places.map(lambda i: name[:i] + name[i + 1 :]),
        st.builds(lambda i, letter: name[:i] + letter + name[i:], places, letters),
        st.builds(lambda i, letter: name[:i] + letter + name[i + 1 :], places, letters),
        places.map(lambda i: name[:i] + name[i : i + 2][::-1] + name[i + 2 :]),
        st.just(name.lower()),
        st.just(f"{name}S"),
    )


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), slips(name))))
def test_a_mistyped_name_is_refused_and_the_right_one_named(drawn: tuple[str, str]) -> None:
    name, typed = drawn
    if typed in VARIABLES or typed == "":
        return
    message = refusal({typed: "1"})
    assert message.startswith(f"{typed}: ")
    (named,) = re.findall(r"did you mean (\w+)\?", message)
    assert named == name or edit_distance(typed.upper(), named) <= 1, "as near as the one that was meant"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("VOCBA_SZIE", "VOCAB_SIZE"), ("NUM_LYAER", "NUM_LAYERS"), ("DATAPTH", "DATA_PATH"), ("weight_deca", "WEIGHT_DECAY")],
)
def test_of_a_long_name_two_slips_are_seen(typed: str, meant: str) -> None:
    assert f"did you mean {meant}?" in refusal({typed: "1"})


@pytest.mark.parametrize("name", ["SEEDED", "SIDE", "BETTA", "BRINK", "RUNS_ID"])
def test_of_a_short_name_one_slip_at_most(name: str) -> None:
    assert (name == "RUNS_ID") == bool(nearest_variable(name))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        ["BIGRAM_", "TRIGRAM_", "TTT_", "LATE_QAT_", "MUON_", "SWA_", "EMA_", "VALUE_EMBED_", "ROPE_", "XSA_", "GPTQ_", "MLP_"]
    ),
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=12),
)
def test_an_unknown_name_of_a_known_family_is_refused(prefix: str, rest: str) -> None:
    if prefix + rest not in VARIABLES:
        assert "did you mean" in refusal({prefix + rest: "1"})


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("ab", "ba", 1),
        ("abcd", "acbd", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
    ],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance
