"""A mistake is one line, and its exit status is what a shell expects."""

import signal

import pytest

from bytegolf.errors import FAILED, INTERRUPTED, InputError, InterruptedRunError, ParameterError


@pytest.mark.parametrize("message", ["a\nb", "a\r\n\tb", " a  b ", "a b\n"])
def test_a_message_is_one_line(message: str) -> None:
    assert str(InputError(message)) == "a b"
    assert str(ParameterError("budget", message)) == "budget: a b"


def test_a_parameter_and_its_problem_can_be_told_apart() -> None:
    error = ParameterError("budget", "expected bytes,\nfound 'many'")
    assert (error.parameter, error.problem) == ("budget", "expected bytes, found 'many'")


def test_a_bad_parameter_is_bad_input_and_an_interruption_is_not() -> None:
    assert issubclass(ParameterError, InputError)
    assert not issubclass(InterruptedRunError, InputError)


def test_exit_statuses_are_those_that_shells_know() -> None:
    assert (FAILED, INTERRUPTED) == (2, 128 + signal.SIGINT)
