"""Settings of the process leave alone what the user set, and a number of threads holds inside its block only."""

import os

import pytest
import torch

from bytegolf.runtime.threads import on_threads, tune_process


def test_threads_spin_briefly_unless_the_user_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    tune_process()
    assert int(os.environ["GOMP_SPINCOUNT"]) > 0
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    tune_process()
    assert os.environ["GOMP_SPINCOUNT"] == "7"


@pytest.mark.parametrize(("given", "kept"), [("0", None), ("-3", None), ("abc", None), ("", None), ("4", "4")])
def test_a_number_of_threads_that_is_none_is_dropped(monkeypatch: pytest.MonkeyPatch, given: str, kept: str | None) -> None:
    """Numba would end at its first import."""
    monkeypatch.setenv("NUMBA_NUM_THREADS", given)
    tune_process()
    assert os.environ.get("NUMBA_NUM_THREADS") == kept


def test_the_number_of_threads_holds_inside_the_block() -> None:
    before = torch.get_num_threads()
    with on_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_the_number_of_threads_is_put_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="a defect"), on_threads(before + 1):
        raise ValueError("a defect")
    assert torch.get_num_threads() == before
