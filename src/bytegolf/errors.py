"""The one exception for what a user can put right."""


class InputError(Exception):
    """Bad usage or bad input.

    Its message is one line that names the file or key, what was expected and what was found.
    The command line prints it and exits with status 2.
    """
