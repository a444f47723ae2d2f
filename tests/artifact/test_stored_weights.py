"""Both kinds of weights keep the promises of the protocol."""

import numpy as np
import pytest

from bytegolf.artifact.container import Artifact
from bytegolf.artifact.stored_weights import GROUPS
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class
from support.golden_artifacts import GOLDEN


@pytest.fixture(params=GOLDEN)
def artifact(request: pytest.FixtureRequest) -> Artifact:
    return GOLDEN[request.param].artifact


def test_sections_are_those_of_the_storage(artifact: Artifact) -> None:
    storage = artifact.weights.storage("range")
    assert tuple(artifact.weights.sections("range")) == storage.section_names
    assert set(GROUPS) < set(storage.section_names) and storage.coder == "range"


def test_they_hold_the_models_parameters_in_order(artifact: Artifact) -> None:
    names = list(parameter_shapes(artifact.config))
    assert artifact.weights.holds(names)
    assert not artifact.weights.holds(names[1:]) and not artifact.weights.holds(names[::-1])


def test_every_parameter_has_values_of_its_shape(artifact: Artifact) -> None:
    for name, shape in parameter_shapes(artifact.config).items():
        assert np.isfinite(artifact.weights.values(name).reshape(shape)).all(), name


def test_coded_integers_are_those_of_the_stacks(artifact: Artifact) -> None:
    """Grouped by class, in the order of the parameters."""
    coded = artifact.weights.coded()
    for group in GROUPS:
        expected = [matrix for name, stack in artifact.weights.stacks.items() if weight_class(name) == group for matrix in stack.coded()]
        assert len(coded[group]) == len(expected)
        for found, matrix in zip(coded[group], expected, strict=True):
            np.testing.assert_array_equal(found, matrix)


def test_entropy_is_below_what_the_sections_take(artifact: Artifact) -> None:
    sections = artifact.weights.sections("range")
    coded = sum(len(sections[name]) for name in sections if name in artifact.weights.coded())
    assert 0 < artifact.weights.entropy_bits() < 8 * coded
