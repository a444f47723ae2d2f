"""Numbers as people read them."""

import pytest

from bytegolf.reporting.wording import bits_per_byte, count, duration, listed, of, plain, share, signed


def test_what_is_not_known_is_a_dash() -> None:
    assert bits_per_byte(None) == count(None) == duration(None) == "–"


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (bits_per_byte(0.91888), "0.9189"),
        (count(1_124_756), "1,124,756"),
        (signed(-0.00467), "−0.0047"),
        (signed(0.5, 1), "+0.5"),
        (share(0.2365), "23.6 %"),
        (share(0.0001), "<0.1 %"),
        (share(0.0), "0.0 %"),
        (duration(4.25), "4.2 s"),
        (duration(59.96), "1 min 0 s"),
        (duration(842.2), "14 min 2 s"),
        (duration(3 * 3600 + 125), "3 h 2 min"),
        (plain(20_000), "20,000"),
        (plain(0.91888), "0.9189"),
        (plain(0.0), "0"),
        (plain(1.234e-5), "1.2e-05"),
        (plain(0.0060461, 2), "0.006"),
        (plain(123_456_789.0), "1.2e+08"),
        (of(1, "run"), "1 run"),
        (of(2, "run"), "2 runs"),
        (listed(["a"]), "a"),
        (listed(["a", "b", "c"]), "a, b and c"),
    ],
)
def test_numbers(shown: str, expected: str) -> None:
    assert shown == expected
