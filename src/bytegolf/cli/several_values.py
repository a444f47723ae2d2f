"""An option that takes several values in a row, as arguments do: `--against B1 B2`."""

from collections.abc import Iterator, Sequence

from typer import Context
from typer.core import TyperCommand

OPTION = "--against"


class ManyAgainst(TyperCommand):
    """A command whose `--against` takes every word up to the next option."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:  # type: ignore[override]  # typer's own context
        """Parse the arguments as if the option stood before each of its values."""
        return super().parse_args(ctx, list(repeated(args)))


def repeated(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line, with the option before each of its values."""
    inside = False
    for index, word in enumerate(words):
        if word.startswith("-") and word != "-":
            inside = word == OPTION
        elif inside and words[index - 1] != OPTION:
            yield OPTION
        yield word
