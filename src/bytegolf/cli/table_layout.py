"""The layout of tables on a terminal."""

from collections.abc import Iterable, Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table

Row = tuple[str, str]


def rows_table(title: str, rows: Iterable[Row]) -> str:
    """Return a table of names and values under a title."""
    return columns_table((title, ""), list(rows))


def columns_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is of names; of more than two the others are numbers, to the right."""
    table = Table(box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 or len(columns) == 2 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    text = StringIO()
    Console(file=text, width=110).print(table)
    return text.getvalue().rstrip()
