"""Numbers as a page shows them."""

import math

UNKNOWN = "–"
MINUS = "−"


def bits_per_byte(value: float | None, digits: int = 4) -> str:
    """Return a score."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """Return a whole number with its thousands apart."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def signed(value: float, digits: int = 4) -> str:
    """Return a difference with its sign, a true minus."""
    return f"{'+' if value >= 0 else MINUS}{abs(value):.{digits}f}"


def share(value: float) -> str:
    """Return a part of one as a percentage, which is not rounded to nothing."""
    return "<0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def duration(seconds: float | None) -> str:
    """Return a time in the two units that matter."""
    if seconds is None:
        return UNKNOWN
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plain(value: float, precision: int = 4) -> str:
    """Return a number of any size in about as many digits as asked for: 20,000, 0.918, 1.2e-05."""
    if value == 0 or 1e-4 <= abs(value) < 1e7:
        digits = max(0, precision - 1 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:,.{min(digits, 6)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.1e}"


def of(number: int, noun: str) -> str:
    """Return a number with its noun: 1 run, 3 runs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: list[str]) -> str:
    """Return words as a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
