"""A Ray cluster is joined and does work in order; one that is not there is told in one line."""

import subprocess
import sys

import pytest

from bytegolf.errors import InputError
from bytegolf.runtime.ray_cluster import on_cluster
from support.ray_clusters import ray_cluster
from support.runs import environment

ADVICE = r"start one with: ray start --head, or set RAY_ADDRESS=HOST:PORT"


SCRIPT = """
from pathlib import Path
from bytegolf.errors import InputError
from bytegolf.runtime.ray_cluster import on_cluster
from bytegolf.runtime.workers import workers
from bytegolf.text.decompress import plain_suffix
from bytegolf.text.tokenizer import load_tokenizer

with workers(0, "ray") as in_order:
    print(*in_order(plain_suffix, [Path(f"a.{number}.gz") for number in range(20)]))
    try:
        list(in_order(load_tokenizer, [Path("bytes"), Path("/none/such.model"), Path("bytes")]))
    except InputError as error:
        print(error)
with on_cluster() as cluster:
    print(cluster.cores)
"""


@pytest.mark.slow
def test_work_in_order_and_errors_as_they_were() -> None:
    """The functions are of this package, which the cluster does not have. Twice a cluster is joined and left."""
    with ray_cluster() as variables:
        command = [sys.executable, "-c", SCRIPT]
        ended = subprocess.run(command, env={**environment(), **variables}, capture_output=True, text=True, timeout=120)
    in_order = " ".join(f".{number}" for number in range(20))
    error = "/none/such.model: expected a tokenizer, found No such file or directory"
    assert ended.stdout.splitlines() == [in_order, error, "2"], ended.stderr


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("127.0.0.1:1", r"found none \(\[Errno \d+\] Connection refused\)"),
        ("ray://127.0.0.1:1", r"found none \(\[Errno \d+\] Connection refused\)"),
        ("127.0.0.1:99999", "found none"),
        ("nonsense", r"found none \(Invalid address format: nonsense\)"),
    ],
)
def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch, address: str, problem: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(InputError, match=rf"^on: expected a Ray cluster at {address}, {problem}.*; {ADVICE}"), on_cluster():
        pass


def test_no_address_and_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def no_cluster(**_: object) -> None:  # whether this machine has one is not for the test to say
        raise ConnectionError("Could not find any running Ray instance. Please specify the one to connect to")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "init", no_cluster)
    with (
        pytest.raises(
            InputError, match=rf"^on: expected a Ray cluster at auto, found none \(Could not find any running Ray instance\); {ADVICE}"
        ),
        on_cluster(),
    ):
        pass
