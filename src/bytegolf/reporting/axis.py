"""Axes: where a value stands, as a share of the axis's length, and which values are written beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # of ticks, times a power of ten
LETTERS = ((2e9, 1e9, " G"), (2e6, 1e6, " M"), (2e4, 1e3, " k"))  # from which end of an axis on, what stands for zeros
SPAN_FOR_LOGARITHM = 4.0  # ratio of largest to smallest value


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`; if `log`, equal ratios have equal lengths."""

    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands, 0 at `low` and 1 at `high`; what lies outside stands at the nearer end."""
        low, high, at = (
            (math.log(max(number, 1e-300)) for number in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        return min(1.0, max(0.0, (at - low) / (high - low)))

    def ticks(self, most: int = 6) -> list[float]:
        """Return round values on the axis, about as many as wanted and never many more."""
        if self.log:
            return self._ratios(most)
        step = _round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]

    def _ratios(self, most: int) -> list[float]:
        """Return round values between which ratios are about equal."""
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8), (1, 1.5, 2, 3, 4, 6), (1, 2, 5), (1, 3), (1,)):
            found = [round(digit * 10.0**power, 12) for power in decades for digit in digits]
            kept = [value for value in found if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
            if len(kept) <= most:
                return kept or [self.low, self.high]
        return kept[:: math.ceil(len(kept) / most)]

    def label(self, value: float) -> str:
        """Return a tick's text, with no more digits than ticks need to differ."""
        if self.log:
            return f"{value:,.6g}" if value >= 1e6 else f"{value:.6f}".rstrip("0").rstrip(".") if value >= 1e-6 else f"{value:.0e}"
        ticks = self.ticks()
        step = ticks[1] - ticks[0] if len(ticks) > 1 else self.high - self.low
        size, letter = next(((size, letter) for least, size, letter in LETTERS if self.high >= least), (1.0, ""))
        value, step = value / size, step / size
        digits = next((number for number in range(7) if abs(round(step, number) - step) < step * 1e-6), 7)
        return f"{value:,.{digits}f}{letter if value else ''}".replace("-", "−")


def axis_of(values: Iterable[float], *, log: bool | None = None, zero: bool = False, margin: float = 0.04) -> Axis:
    """Return an axis that holds all values, from zero on if asked for. Where `log` is None, it is one if they span a wide ratio."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if log is None:
        log = low > 0 and high / low > SPAN_FOR_LOGARITHM
    if log:
        low = max(low, 1e-12)
        ratio = max(high / low, 1.05) ** margin
        return Axis(low / ratio, max(high, low * 1.05) * ratio, log=True)
    low = min(low, 0.0) if zero else low
    room = (high - low or abs(high) or 1.0) * margin
    return Axis(low if zero and low == 0 else low - room, high + room)


def _round_step(wanted: float) -> float:
    """Return the smallest round number that is no less than `wanted`."""
    power = 10.0 ** math.floor(math.log10(wanted))
    return next(step * power for step in STEPS if step * power >= wanted * (1 - 1e-9))
