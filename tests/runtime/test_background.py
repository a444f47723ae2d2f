"""What runs beside other work is waited for, and its failure is seen."""

import subprocess
import sys
import threading

import pytest

from bytegolf.errors import InputError
from bytegolf.runtime.background import BackgroundCall


def test_goes_on_beside_other_work_and_gives_its_result() -> None:
    begin, other_work = threading.Event(), list[str]()

    def call() -> list[str]:
        begin.wait(10)
        return [*other_work, "beside"]

    beside = BackgroundCall(call)
    other_work.append("meanwhile")
    begin.set()
    assert beside.result() == beside.result() == ["meanwhile", "beside"]


def test_raises_what_it_raised() -> None:
    def call() -> None:
        raise InputError("no such file")

    with pytest.raises(InputError, match="no such file"):
        BackgroundCall(call).result()


def test_a_process_that_ends_does_not_wait_for_it() -> None:
    code = "import time; from bytegolf.runtime.background import BackgroundCall; BackgroundCall(lambda: time.sleep(60))"
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0
