"""Whether the other processes of a run are alive, and whose failure ends it.

Every process beats in a store that all of them see, from a thread of its own, so that a long compilation or a long
save does not look like death. Who is not heard of any more, or says why it fails, ends the run for all: a process that
waits for another in a collective would wait for ever.
"""

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed.distributed_c10d import Store

BEAT_SECONDS = 1.0
PATIENCE = 20  # beats of silence after which a process counts as lost
SUSPICION = 5  # the same, once a collective has failed: somebody is gone, and the beats only say who
START_PATIENCE = 600  # for a process that was never heard of, which may still be starting
GRACE = 5  # beats that a process has to end by itself once another one failed
PARTING_SECONDS = 10.0  # that process 0, in which the store may live, waits for the others to look at it last
POLL_SECONDS = 0.02
FAILED = 2  # exit status


class Heartbeat:
    """This process's beats, and its ear for the others'. `store` is a connection that nothing else uses.

    Silence is counted in own beats, not by a clock: where all processes pause together, nobody is suspected.
    """

    def __init__(self, store: "Store", rank: int, size: int) -> None:
        self.store, self.rank, self.size = store, rank, size
        self.patience = PATIENCE
        self._heard = dict.fromkeys((other for other in range(size) if other != rank), 0)  # beats
        self._silent = dict.fromkeys(self._heard, 0)  # own beats since the last of theirs
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def claim_failure(self, message: str) -> bool:
        """Make `message` the reason why the run ends. False if another process already gave one, and said so to the user."""
        mine = f"{self.rank} {message}"
        try:
            return self.store.compare_set("reason", "", mine).decode() == mine
        except RuntimeError:  # the store is gone, and with it whoever could have been first
            return True

    def failure_claimed(self) -> bool:
        """After a collective failed: whether another process gave the reason. Ends this one if a process turns out to be lost."""
        self.patience = SUSPICION
        for _ in range(SUSPICION + GRACE):
            if self._reason_given():
                return True
            time.sleep(BEAT_SECONDS)
        return False

    def leave(self) -> None:
        """Return once every process is done, so that none is missed while another still works."""
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
        """Beat once; the first process that has been silent for too long."""
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
        """The main thread may be waiting for whoever is lost, where no exception reaches it. What it writes appears whole or not at all."""
        if self.claim_failure(message):
            print(f"error: {message}; continue with --resume, on any number of processes", file=sys.stderr, flush=True)
        os._exit(FAILED)


def _key(rank: int) -> str:
    return f"beats/{rank}"
