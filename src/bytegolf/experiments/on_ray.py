"""Run the cells of a sweep on a Ray cluster, whose machines share the sweep's folder and the data under the same paths."""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from bytegolf.errors import ParameterError
from bytegolf.experiments.local import TICK_SECONDS
from bytegolf.experiments.work import PATIENCE, CellOutcome, Work, outcome_of, threads_of
from bytegolf.runtime.ray_cluster import RayCluster


@dataclass(frozen=True)
class RayPlace:
    """A cluster as a place for cells, each of which gets `threads` cores, and a GPU where there are some and it `wants_gpu`."""

    cluster: RayCluster
    threads: int
    wants_gpu: bool

    @classmethod
    def of(cls, cluster: RayCluster, cells: int, threads: int, device: str) -> "RayPlace":
        """Return the place for a number of cells: each gets its share of the cores if no number of threads is given.

        Raises ParameterError if no machine has so many cores.
        """
        most = max((int(node["Resources"].get("CPU", 0)) for node in cluster.ray.nodes() if node["Alive"]), default=1)
        if threads > most:
            raise ParameterError("threads", f"expected at most the {most} cores of a machine of the cluster, found {threads}")
        wants_gpu = device in ("auto", "cuda") and cluster.ray.cluster_resources().get("GPU", 0) >= 1
        return cls(cluster, threads or max(1, min(most, cluster.cores // cells)), wants_gpu)

    def __str__(self) -> str:
        return f"on {self.cluster.cores} cores of a Ray cluster, {self.threads} for each"

    def run(self, works: Sequence[Work]) -> Generator[CellOutcome | None]:
        """Do all works, as the cluster has room, and yield each outcome, or None every second.

        Work whose machine is lost is continued on another. When the iterator is closed, what still runs is stopped.
        """
        ray = self.cluster.ray
        remote = ray.remote(num_cpus=self.threads, num_gpus=int(self.wants_gpu))(_attempt)
        running = {remote.options(name=work.name).remote(work): work for work in works}
        try:
            while running:
                done, _ = ray.wait(list(running), timeout=TICK_SECONDS)
                for reference in done:
                    yield self._outcome(running.pop(reference), reference)
                if not done:
                    yield None
        finally:
            for reference in running:
                ray.cancel(reference)  # as Ctrl-C
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=PATIENCE)

    def _outcome(self, work: Work, reference: Any) -> CellOutcome:
        ray = self.cluster.ray
        try:
            return ray.get(reference)
        except ray.exceptions.RayError as error:  # the cluster's own: no room, a machine lost too often
            return CellOutcome(work, f"Ray: {(str(error).strip().splitlines() or [type(error).__name__])[0]}")


def _attempt(work: Work) -> CellOutcome:
    """Do a cell's work on a machine of the cluster, with the code of the process that asked for it."""
    package = Path(__file__).parents[2]
    path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    return outcome_of(work, {**os.environ, **threads_of(work.threads), "PYTHONPATH": path}, Event())
