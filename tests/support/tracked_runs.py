"""A run with a tracker, in a process of its own: `tracked_runs.py STREAM RUN TRACKER [STEP]` kills itself after a step."""

import os
import signal
import sys
from pathlib import Path

from bytegolf.text.shards import TokenStream
from bytegolf.training.log import EventLog
from support.runs import fit


def main(stream: str, run: str, tracker: str, last: str = "") -> None:
    write = EventLog.write

    def until_killed(self: EventLog, event: str, **values: object) -> None:
        write(self, event, **values)
        if str(values["step"]) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    EventLog.write = until_killed  # type: ignore[method-assign]
    fit(Path(run), TokenStream(sorted(Path(stream).glob("train_*.bin"))), tracker, "qat.start=1", "train.validate_every=5")


if __name__ == "__main__":
    main(*sys.argv[1:])
