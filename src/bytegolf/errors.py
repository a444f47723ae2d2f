"""The exceptions that end a verb in one line, and the exit statuses."""

FAILED = 2  # exit status of what the user can put right, and of a run that lost a process
INTERRUPTED = 130  # exit status after Ctrl-C, SIGTERM or SIGHUP, as shells report it


class InputError(Exception):
    """Bad usage or bad input, which the user can put right.

    Its message is one line that names the file or key, what was expected and what was found.
    The command line prints it and exits with status `FAILED`.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class ParameterError(InputError):
    """A parameter of a public function has a value that cannot be used.

    `parameter` is its name in Python; the command line calls it by its flag instead.
    """

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter, self.problem = parameter, " ".join(problem.split())


class InterruptedRunError(Exception):
    """Ctrl-C, SIGTERM or SIGHUP stopped a run, after it wrote a checkpoint. Exit status `INTERRUPTED`."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether memory could not be had, on the CPU or a GPU. Torch has no type of its own for the CPU's."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
