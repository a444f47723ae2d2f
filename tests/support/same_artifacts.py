"""Whether two artifacts hold the same, array by array."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bytegolf.artifact.container import Artifact
from bytegolf.artifact.grid_weights import GridStack, GridWeights
from bytegolf.artifact.trellis_weights import TrellisStack
from support.artifacts import grids_of

Arrays = Mapping[str, NDArray[np.generic]]


def arrays_of(stack: object) -> Arrays:
    """All that a stack stores."""
    assert isinstance(stack, GridStack | TrellisStack)
    if isinstance(stack, GridStack):
        return {
            "integers": stack.integers,
            "spacings": stack.spacings,
            **{f"kept {place}": stack.kept[place] for place in sorted(stack.kept)},
        }
    return {name: getattr(stack, name) for name in ("integers", "spacings", "row_scales", "column_scales")}


def assert_same(found: Artifact, expected: Artifact) -> None:
    assert found.config == expected.config and found.score == expected.score and found.coder == expected.coder
    assert (found.tokenizer.kind, found.tokenizer.serialised) == (expected.tokenizer.kind, expected.tokenizer.serialised)
    assert type(found.weights) is type(expected.weights)
    assert list(found.weights.stacks) == list(expected.weights.stacks)
    for name, stack in expected.weights.stacks.items():
        assert_same_arrays(arrays_of(found.weights.stacks[name]), arrays_of(stack), name)
    if isinstance(expected.weights, GridWeights):
        assert_same_arrays(grids_of(found).controls, expected.weights.controls, "controls")


def assert_same_arrays(found: Arrays, expected: Arrays, name: str) -> None:
    assert list(found) == list(expected), name
    for key, array in expected.items():
        assert found[key].dtype == array.dtype, (name, key)
        np.testing.assert_array_equal(found[key], array, f"{name}: {key}")
