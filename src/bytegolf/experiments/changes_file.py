"""A file of changes to a recipe, one row of a sweep each, for experiments that are kept beside their results (docs/sweep.md)."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.errors import InputError

LADDER = "ladder"


@dataclass(frozen=True)
class ChangesFile:
    """The changes of each row, by its title: the values of "section.key" as `--set` reads them."""

    rows: dict[str, dict[str, str]]
    ladder: bool


def read_changes(path: Path) -> ChangesFile:
    """Return the rows of a file. Raises InputError for a file that cannot be read or is none of changes."""
    try:
        values = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"grid {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"grid {path}: expected TOML, found {error}") from None
    ladder = values.pop(LADDER, False)
    if not isinstance(ladder, bool):
        raise InputError(f"grid {path}: expected {LADDER} = true or false, found {ladder!r}")
    if not values:
        raise InputError(f"grid {path}: expected a table of changes for each row, found none")
    return ChangesFile({title: _changes(path, title, row) for title, row in values.items()}, ladder)


def _changes(path: Path, title: str, row: object) -> dict[str, str]:
    wanted = f'expected ["{title}"] to hold lines such as optim.matrix_lr = 0.03'
    if not isinstance(row, Mapping):
        raise InputError(f"grid {path}: {wanted}, found {row!r}")
    changes: dict[str, str] = {}
    for section, keys in row.items():
        if not isinstance(keys, Mapping):
            raise InputError(f"grid {path}: {wanted}, found {section} = {keys!r}")
        changes |= {f"{section}.{key}": _written(value) for key, value in keys.items()}
    return changes


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
