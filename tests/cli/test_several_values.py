"""`--against` takes all that follows it, up to the next option."""

import pytest

from bytegolf.cli.several_values import repeated


@pytest.mark.parametrize(
    ("words", "parsed"),
    [
        ("a b --against c", "a b --against c"),
        ("a --against b c d --json", "a --against b --against c --against d --json"),
        ("a --against b --against c", "a --against b --against c"),
        ("a --against=b --json", "a --against=b --json"),
        ("a b", "a b"),
    ],
)
def test_repeated(words: str, parsed: str) -> None:
    assert list(repeated(words.split())) == parsed.split()
