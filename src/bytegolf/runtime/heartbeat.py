"""Detect whether the other processes of a run are alive, and agree on whose failure ends it.

Every process sends beats to a shared store from a thread of its own, so that a long compilation or save does not look
like a crash. A process that falls silent, or that reports a failure, ends the run for all processes: otherwise the
others would wait for it in a collective for ever.
"""

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from bytegolf.errors import FAILED

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

BEAT_SECONDS = 1.0
PATIENCE = 20  # beats of silence after which a process counts as lost
SUSPICION = 5  # the same after a failed collective, when a process is surely lost and only its rank is unknown
START_PATIENCE = 600  # beats of patience with a process that has sent none yet and may still be starting
GRACE = 5  # beats that a process has to end by itself after another one failed
PARTING_SECONDS = 10.0  # time that process 0, which may host the store, waits for the others to read it a last time
POLL_SECONDS = 0.02


class Heartbeat:
    """The beats of this process, and the record of the others' beats.

    `store` must be a connection that nothing else uses. Silence is counted in this process's own beats instead of seconds,
    so that a pause of all processes at once makes none look lost.
    """

    def __init__(self, store: "Store", rank: int, size: int) -> None:
        """Prepare the heartbeat of process `rank` of `size`, without starting it."""
        self.store, self.rank, self.size = store, rank, size
        self.patience = PATIENCE
        self._heard = dict.fromkeys((other for other in range(size) if other != rank), 0)  # beats
        self._silent = dict.fromkeys(self._heard, 0)  # own beats since the last beat of each
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start to send and count beats."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        self._stopped.set()
        self._thread.join()

    def claim_failure(self, message: str) -> bool:
        """Make `message` the reason for the end of the run. Returns False if another process gave its reason first."""
        mine = f"{self.rank} {message}"
        try:
            return self.store.compare_set("reason", "", mine).decode() == mine
        except RuntimeError:  # the store is gone, so no other process can have given its reason there
            return True

    def failure_claimed(self) -> bool:
        """Return whether another process gave the reason, after a collective failed.

        Ends this process if another one turns out to be lost.
        """
        self.patience = SUSPICION
        for _ in range(SUSPICION + GRACE):
            if self._reason_given():
                return True
            time.sleep(BEAT_SECONDS)
        return False

    def leave(self) -> None:
        """Wait until every process is done, so that none is reported lost while another still works."""
        self.store.add("done", 1)
        while self.store.add("done", 0) < self.size:
            time.sleep(POLL_SECONDS)
        self.stop()
        self.store.add("parted", 1)
        until = time.monotonic() + PARTING_SECONDS
        while self.rank == 0 and self.store.add("parted", 0) < self.size and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def _run(self) -> None:
        since_reason = 0
        while not self._stopped.wait(BEAT_SECONDS):
            try:
                lost = self._listen()
                given = self._reason_given()
            except RuntimeError:
                self._end("rank 0, or the machine on which torchrun keeps the store of this run, is gone")
            if lost is not None and not given:
                self._end(f"rank {lost} of {self.size} was not heard of for {self._silent[lost] * BEAT_SECONDS:.0f} s")
            since_reason += given
            if since_reason > GRACE:
                os._exit(FAILED)

    def _listen(self) -> int | None:
        """Send a beat, and return the first process that has been silent for too long, or None."""
        self.store.add(_key(self.rank), 1)
        for other, heard in self._heard.items():
            beats = self.store.add(_key(other), 0)
            self._heard[other] = beats
            self._silent[other] = 0 if beats > heard else self._silent[other] + 1
            if self._silent[other] >= (self.patience if beats else START_PATIENCE):
                return other
        return None

    def _reason_given(self) -> bool:
        return self.store.check(["reason"])

    def _end(self, message: str) -> None:
        """Print the reason, unless another process gave one, and end this process at once.

        The main thread may be waiting in a collective for the lost process, where an exception would not reach it. Ending it
        there is safe, because files are written completely or not at all.
        """
        if self.claim_failure(message):
            print(f"error: {message}; resume the run, on any number of processes", file=sys.stderr, flush=True)
        os._exit(FAILED)


def _key(rank: int) -> str:
    return f"beats/{rank}"
