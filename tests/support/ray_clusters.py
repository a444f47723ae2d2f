"""A Ray cluster of this machine's own, which ends with the process that keeps it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

KEEPER = """
import sys, ray
context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
print(context.address_info["gcs_address"], flush=True)
sys.stdin.read()
ray.shutdown()
"""


@contextmanager
def ray_cluster() -> Iterator[dict[str, str]]:
    """Start a cluster of two cores, whose processes know nothing of this package; provide the variables by which it is joined.

    It has a token of its own, so that it takes no other from its user's home and keeps others out.
    """
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": uuid.uuid4().hex * 2}
    clean = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "PYTHONPATH")}
    command = [sys.executable, "-c", KEEPER]
    keeper = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**clean, **token}, text=True
    )
    assert keeper.stdin is not None and keeper.stdout is not None
    try:
        lines = (line.strip() for line in keeper.stdout)
        yield {**token, "RAY_ADDRESS": next(line for line in lines if line.rpartition(":")[2].isdecimal())}
    finally:
        keeper.stdin.close()
        keeper.wait(60)
