"""The command line for a program that starts it and waits for it: `python -m bytegolf.cli.attended VERB …`.

Its stdin is a pipe whose other end that program holds. When the program is gone, however it ended, so is the other end, and
the verb ends as after SIGTERM: a run saves a checkpoint. No process is left behind.
"""

import os
import signal
import threading
import time
from contextlib import suppress

from bytegolf.cli.entry import main
from bytegolf.errors import INTERRUPTED

PATIENCE = 120.0  # seconds that a verb has to end by itself


def _end_with_stdin() -> None:
    with suppress(OSError):  # of a stdin that is closed
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    main()
