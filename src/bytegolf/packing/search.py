"""The search for the largest file that fits: one number, the level, sets how large it becomes."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

T = TypeVar("T")

CLOSE_ENOUGH = 64  # bytes
NUDGE, SAME_LEVEL = 1e-3, 1e-6  # bits
FIRST_GUESS, MOST_ATTEMPTS = 4.0, 40
INTERPOLATED = 4  # attempts, before the ends are tried


class BudgetTooSmallError(Exception):
    """Not even the lowest level fits; `smallest` is its size in bytes."""

    def __init__(self, smallest: int) -> None:
        super().__init__(f"the smallest possible size is {smallest:,} bytes")
        self.smallest = smallest


class _Attempt(NamedTuple):
    """A level that was tried, and the size it came to."""

    level: float
    size: int


def largest_fitting(build: Callable[[float], T], size: Callable[[T], int], limit: int, lowest: float, highest: float) -> T:
    """Return the largest of at most `limit` bytes that `build` makes of levels from `lowest` to `highest`, to within a few bytes.

    Levels are bits per weight, or nearly. Of equal sizes the highest level is returned. Raises BudgetTooSmallError if even the lowest
    level is too large.
    """
    close_enough = max(CLOSE_ENOUGH, limit // 10_000)
    fits, exceeds = None, None  # the highest level known to fit, and the lowest known not to
    best: tuple[T, int] | None = None
    level = min(max(FIRST_GUESS, lowest), highest)
    for number in range(MOST_ATTEMPTS):
        built = build(level)
        attempt = _Attempt(level, size(built))
        if attempt.size > limit:
            exceeds = attempt
            if level == lowest:
                raise BudgetTooSmallError(attempt.size)
        else:
            fits = attempt
            if best is None or attempt.size >= best[1]:
                best = built, attempt.size
            if limit - attempt.size <= close_enough or level == highest:
                break
        if fits and exceeds and exceeds.level - fits.level < SAME_LEVEL:
            break
        level = _next_level(number, fits, exceeds, limit, close_enough)
        level = min(max(level, lowest), highest)
    assert best is not None  # as the lowest level was tried, unless another fits
    return best[0]


def _next_level(number: int, fits: _Attempt | None, exceeds: _Attempt | None, limit: int, close_enough: int) -> float:
    """Return the level to try after attempt `number`.

    Size is nearly linear in the level, so each guess interpolates; now and then one bisects, as sizes may jump.
    """
    if fits and exceeds:
        share = (limit - close_enough / 2 - fits.size) / (exceeds.size - fits.size) if number % 3 < 2 else 0.5
        return fits.level + (exceeds.level - fits.level) * min(max(share, 0.02), 0.98)
    if fits:
        return fits.level * limit / max(fits.size, 1) + NUDGE if number < INTERPOLATED else float("inf")
    assert exceeds is not None
    return exceeds.level * limit / exceeds.size - NUDGE if number < INTERPOLATED else float("-inf")
