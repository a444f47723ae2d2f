"""Define what every table of a recipe is: frozen, strict, and with numbers that torch and float32 hold."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

MAX_NUMBER = 2**63 - 1  # that torch takes as a seed
MAX_REAL = 1e38  # that float32 holds


def require(holds: bool, key: str, expected: str, found: object) -> None:
    """Raise ValueError, which names the key, unless what is expected of it holds."""
    if not holds:
        raise ValueError(f"{key}: expected {expected}, found {found}")


def _takes_int(table: type[BaseModel], key: str) -> bool:
    return key in table.model_fields and table.model_fields[key].annotation is int


class RecipeTable(BaseModel):
    """A section of a recipe: frozen and strict, with unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, values: object) -> object:
        """Take 1e3 for 1000 where a whole number is expected."""
        if not isinstance(values, dict):
            return values
        whole = {key for key, value in values.items() if isinstance(value, float) and value.is_integer()}
        return {key: int(value) if key in whole and _takes_int(cls, key) else value for key, value in values.items()}

    @model_validator(mode="after")
    def _numbers_in_range(self) -> Self:
        for key, value in self:
            highest = MAX_NUMBER if isinstance(value, int) else MAX_REAL
            require(not isinstance(value, int | float) or value <= highest, key, f"at most {highest}", value)
        return self
