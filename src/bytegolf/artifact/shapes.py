"""The shapes of parameters in an artifact, where each is a stack of matrices."""

from typing import NamedTuple

from bytegolf.config import ModelConfig
from bytegolf.model.shapes import Shape, parameter_shapes


class StackShape(NamedTuple):
    """The shape of a parameter as a stack: a bank has many matrices, a matrix is one, a vector one of one row, a number 1 × 1."""

    matrices: int
    rows: int
    columns: int


def stack_shape(shape: Shape) -> StackShape:
    """Return the stack's shape of a parameter of up to three dimensions."""
    return StackShape(*(1,) * (3 - len(shape)), *shape)


def stack_shapes(config: ModelConfig) -> dict[str, StackShape]:
    """Return the stack's shape of every parameter, in the model's order, which is the order of a file."""
    return {name: stack_shape(shape) for name, shape in parameter_shapes(config).items()}
