"""A Ray cluster that runs functions of this package: found, joined and left, with one line if it is not there."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from bytegolf.errors import InputError, ParameterError

Argument = TypeVar("Argument")
Returned = TypeVar("Returned")

ADDRESS = "RAY_ADDRESS"  # the variable by which every Ray program finds its cluster
PATIENCE_SECONDS = 5.0
ADVICE = f"start one with: ray start --head, or set {ADDRESS}=HOST:PORT (and RAY_AUTH_MODE=token if it asks for a token)"


@dataclass(frozen=True)
class RayCluster:
    """A cluster that this process has joined, and its number of cores."""

    ray: Any
    cores: int
    remote: Callable[..., Any]  # makes a function one of the cluster, each function once

    def submit(self, function: Callable[[Argument], Returned], argument: Argument) -> Any:
        """Begin `function(argument)` on a core of the cluster and return what `result` takes."""
        return self.remote(function).remote(argument)

    def result(self, argument: object, reference: Any) -> Any:
        """Return what a function returned that was begun with `argument`. An error in it is raised as it was there."""
        try:
            return self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self.ray.exceptions.RayError as error:
            raise InputError(f"{argument}: expected the Ray cluster to finish it, found {_line(error)}") from None


@contextmanager
def on_cluster() -> Iterator[RayCluster]:
    """Join the Ray cluster of this machine, or the one at RAY_ADDRESS, for a block.

    This package travels to the machines of the cluster; what it depends on has to be installed there. Raises ParameterError
    if Ray is not installed or there is no such cluster.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ParameterError("on", f"expected the package {error.name}, found it missing; pip install 'bytegolf[ray]'") from None
    address = os.environ.get(ADDRESS) or "auto"
    _require_listening(address)
    package = Path(__file__).parents[1]
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ray.init(address=address, runtime_env={"py_modules": [str(package)]}, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError, SystemExit) as error:  # SystemExit: how Ray gives up on a cluster that is gone
        raise ParameterError("on", f"expected a Ray cluster at {address}, found none ({_line(error)}); {ADVICE}") from None
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray's own aborts this process, and nothing is tidied up
    try:
        yield RayCluster(ray, max(1, int(ray.cluster_resources().get("CPU", 1))), lru_cache(ray.remote))
    finally:
        ray.shutdown()


def _require_listening(address: str) -> None:
    """Raise ParameterError unless something listens at HOST:PORT. Ray itself takes two minutes to find that out."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not (host and port.isdecimal()):  # "auto", or nonsense that Ray refuses
        return
    try:
        socket.create_connection((host, int(port)), PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ParameterError("on", f"expected a Ray cluster at {address}, found none ({error}); {ADVICE}") from None


def _line(error: BaseException) -> str:
    """Return the first sentence of an error, without what follows it in lines or advice."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].split(". ")[0]
