"""The start of training is timed on the real command."""

import pytest

from bytegolf.recipes import load_recipe
from bytegolf.training.start_up import start_up_seconds
from support.runs import MICRO


def test_the_start_is_that_of_the_command() -> None:
    assert 0.1 < start_up_seconds(load_recipe(MICRO)) < 60


def test_a_command_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match=r"the run did not begin: error: .*sequence_length"):
        start_up_seconds(load_recipe(MICRO), text="")
