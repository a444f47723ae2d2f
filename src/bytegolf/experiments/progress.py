"""How far the cells of a sweep are, as their logs tell."""

import re

from bytegolf.storage.run_folder import RunFolder

LAST_BYTES = 4096  # of a log, which hold its last steps
PROGRESS = re.compile(rb'"progress": ([0-9.e-]+)')
TRAINED = 0.95  # share of a cell's work that is done when it is trained, and not yet scored


def share_done(run: RunFolder) -> float:
    """Return what share of an unfinished cell's work is done, between 0 and 1."""
    if run.manifest.exists():
        return TRAINED
    try:
        with run.log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LAST_BYTES))
            told = PROGRESS.findall(file.read())
    except OSError:  # not begun
        return 0.0
    return TRAINED * min(float(told[-1]), 1.0) if told else 0.0
