"""What processes pass each other, in real processes; who they are, by the environment; one process alone."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.runtime.parallel import ALONE, Group, backends, joined
from support.processes import start

SIZE = 3


def everybodys(rows: int, dtype: torch.dtype) -> list[Tensor]:
    """What each process brings along: small whole numbers, whose sums are exact in any order."""
    draw = torch.Generator().manual_seed(rows)
    return [torch.randint(-9, 9, (rows, 2, 3), generator=draw).to(dtype) for _ in range(SIZE)]


def added(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).sum(0, dtype=tensors[0].dtype)


def passing(rank: int, folder: Path) -> None:
    with joined() as group:
        assert (group.rank, group.size, group.is_main) == (rank, SIZE, rank == 0)
        for rows in (1, 2, 3, 5, 6, 7):
            for dtype in (torch.float32, torch.bfloat16):
                brought = everybodys(rows, dtype)
                mine, total = brought[rank], added(brought)
                assert torch.equal(group.begin_sum_part(mine.clone()).wait(), group.part(total))
                assert torch.equal(group.begin_join(group.part(brought[0]), rows).wait(), brought[0])
                assert torch.equal(group.sum_(mine.clone()), total)
                assert torch.equal(group.broadcast_(mine.clone()), brought[0])
        transfer = group.begin_sum_part(everybodys(3, torch.float32)[rank])
        transfer.wait().mul_(2)
        assert torch.equal(transfer.wait(), 2 * group.part(added(everybodys(3, torch.float32)))), "waiting again changes nothing"
        assert group.gather({"rank": rank}) == [{"rank": 0}, {"rank": 1}, {"rank": 2}]
        assert group.once(lambda: (folder / "once").open("x").write(str(rank)) + 40) == 41
        with joined() as inner:
            assert inner == group
    with joined() as again:
        assert again.sum_(torch.tensor(1.0)) == SIZE
    (folder / f"{rank}.done").touch()


def test_what_processes_pass_each_other(tmp_path: Path) -> None:
    crowd = start(tmp_path, [[]] * SIZE, [passing])
    assert crowd.wait() == [0] * SIZE, crowd.said(0) + crowd.said(1) + crowd.said(2)
    assert len(list(tmp_path.glob("*.done"))) == SIZE and (tmp_path / "once").read_text() == "0"


def failing(rank: int, folder: Path) -> None:
    """Of what goes wrong without a plan the one who knows gives the cause, and nobody waits for ever."""
    with joined() as group:
        group.sum_(torch.tensor(1.0))
        if rank == 1:
            raise ArithmeticError("seven")
        group.sum_(torch.tensor(1.0))


def test_a_defect_in_one_process_ends_all(tmp_path: Path) -> None:
    crowd = start(tmp_path, [[]] * SIZE, [failing])
    assert crowd.wait() == [2, 1, 2]
    assert crowd.said(1)[-1] == "ArithmeticError: seven"
    assert [crowd.said(rank) for rank in (0, 2)] == [[], []]


@given(rows=st.integers(0, 20), size=st.integers(1, 9))
def test_parts_are_equally_long_and_make_up_the_whole(rows: int, size: int) -> None:
    tensor = torch.arange(1, 2 * rows + 1).reshape(rows, 2)
    parts = [Group(rank, size).part(tensor) for rank in range(size)]
    assert {len(part) for part in parts} == {-(-rows // size)}
    joined_parts = torch.cat(parts)
    assert torch.equal(joined_parts[:rows], tensor) and not joined_parts[rows:].any()


@given(count=st.integers(0, 40), size=st.integers(1, 9))
def test_shares_make_up_the_whole_in_order(count: int, size: int) -> None:
    shares = [Group(rank, size).share(range(count)) for rank in range(size)]
    assert [item for share in shares for item in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_everything_is_there_already() -> None:
    tensor = torch.randn(3, 2)
    with joined() as group:
        assert group == ALONE
    assert all(begun.wait() is tensor for begun in (ALONE.begin_sum(tensor), ALONE.begin_sum_part(tensor), ALONE.begin_join(tensor, 3)))
    assert ALONE.broadcast_(tensor) is tensor and ALONE.gather(7) == [7] and ALONE.once(lambda: 7) == 7
    assert torch.equal(ALONE.part(tensor), tensor)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"RANK": "first", "WORLD_SIZE": "2"}, "RANK, WORLD_SIZE, LOCAL_RANK: expected the numbers that torchrun sets"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK: expected a number from 0 to 1, as WORLD_SIZE says, found 2"),
        ({"RANK": "1", "WORLD_SIZE": "2"}, "MASTER_ADDR, MASTER_PORT: expected where the processes of the run meet"),
    ],
)
def test_an_environment_that_makes_no_sense(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message), joined():
        pass


def test_gpus_speak_nccl_and_what_is_agreed_on_between_steps_waits_for_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert backends() == "cpu:gloo,cuda:nccl"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert backends() == "gloo"
