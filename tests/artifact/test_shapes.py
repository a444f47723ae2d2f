"""Every parameter is a stack of matrices, of as many elements as it has."""

from math import prod

import pytest

from bytegolf.artifact.shapes import stack_shape, stack_shapes
from bytegolf.model.shapes import parameter_count, parameter_shapes
from support.models import changed


@pytest.mark.parametrize(("shape", "stack"), [((), (1, 1, 1)), ((7,), (1, 1, 7)), ((5, 7), (1, 5, 7)), ((3, 5, 7), (3, 5, 7))])
def test_dimensions_are_added_in_front(shape: tuple[int, ...], stack: tuple[int, int, int]) -> None:
    assert stack_shape(shape) == stack


def test_a_model_is_its_stacks_in_the_models_order() -> None:
    config = changed(vocab_size=260)
    stacks = stack_shapes(config)
    assert list(stacks) == list(parameter_shapes(config))
    assert sum(map(prod, stacks.values())) == parameter_count(config)
