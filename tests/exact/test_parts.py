"""Parts cover all items once."""

import pytest

from bytegolf.exact.parts import WORTHWHILE, in_parts


@pytest.mark.parametrize("items", [1, 2, 3, 17])
@pytest.mark.parametrize("work", [1, WORTHWHILE])
def test_every_item_is_in_one_part(items: int, work: int) -> None:
    done: list[int] = []
    in_parts(lambda part: done.extend(range(items)[part]), items, work)
    assert sorted(done) == list(range(items))


def test_a_part_that_fails_fails_the_whole() -> None:
    def fail(part: slice) -> None:
        raise ValueError(f"{part}")

    with pytest.raises(ValueError):
        in_parts(fail, 8, WORTHWHILE)
