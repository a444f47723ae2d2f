"""JSON files whose keys and types are known: validated in one place, when they are read."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bytegolf.errors import InputError

Record = TypeVar("Record")
Count = Annotated[int, Field(ge=0, le=1 << 53)]  # exact as a float, too
FileName = Annotated[str, Field(pattern=r"^[^/\x00]*[^/\x00.][^/\x00]*$", max_length=255)]  # without a folder
MOST_SHOWN = 200  # characters of a problem


def read_record(path: Path, kind: type[Record], expected: str) -> Record:
    """Return what a JSON file holds, as a pydantic model, a dataclass, or a list of them.

    Raises InputError for what is missing, no JSON or of another kind, naming the first thing that is wrong; `expected` says what
    it should be.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except OSError as error:
        raise InputError(f"{path}: expected {expected}, found {error.strerror}") from None
    except ValidationError as error:
        raise InputError(f"{path}: expected {expected}, found {problem(error)}") from None


def problem(error: ValidationError) -> str:
    """Return the first problem that pydantic found and where, without its advice."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))[:MOST_SHOWN]
