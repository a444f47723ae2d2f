"""Let several processes work as one, and describe this one's place among them. One process needs no special case.

`torchrun` starts the processes and sets their ranks in the environment; `joined` makes them a `Group`. Tensors on a GPU
travel by NCCL, tensors on a CPU by gloo.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from bytegolf.errors import FAILED, INTERRUPTED, InputError, InterruptedRunError
from bytegolf.runtime.heartbeat import Heartbeat

T = TypeVar("T")

COLLECTIVE_TIMEOUT = timedelta(hours=1)  # for a process that sends beats but never arrives; a lost one is noticed far sooner
START_TIMEOUT = timedelta(minutes=5)  # time for all processes to reach the store

# renamed in torch 2.13
_reduce_scatter = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor
_all_gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor


class Transfer:
    """A transfer between processes that runs while this process goes on computing."""

    def __init__(self, result: Tensor, work: Any = None, source: Tensor | None = None) -> None:
        """Wrap the running `work` that fills `result` from `source`."""
        self._result, self._work = result, work
        self._source = source  # kept alive until it has been read

    def wait(self) -> Tensor:
        """Wait for the transfer and return its result."""
        if self._work is not None:
            self._work.wait()
            self._work = self._source = None
        return self._result


@dataclass(frozen=True)
class Group:
    """The processes of a run, seen from process `rank` of `size`, number `local_rank` on its machine.

    All processes must call the methods that communicate, in the same order: every method except `share` and `part`.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Return whether this is the main process, which decides, writes files and prints."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Return this process's contiguous share of `items`; the lengths of shares differ by at most one."""
        count = len(items)
        return items[count * self.rank // self.size : count * (self.rank + 1) // self.size]

    def part(self, tensor: Tensor) -> Tensor:
        """Return this process's rows of a tensor that all processes hold, (⌈n / size⌉, ...).

        All parts have the same length; the last ones are padded with zeros.
        """
        rows = -(-len(tensor) // self.size)
        mine = tensor[rows * self.rank : rows * (self.rank + 1)]
        return _lengthened(mine, rows)

    def sum_(self, tensor: Tensor) -> Tensor:
        """Replace `tensor` by its sum over all processes, and return it."""
        return self.begin_sum(tensor).wait()

    def broadcast_(self, tensor: Tensor) -> Tensor:
        """Replace `tensor` by process 0's, and return it."""
        if self.size > 1:
            dist.broadcast(tensor, src=0)
        return tensor

    def gather(self, value: T) -> list[T]:
        """Return every process's `value`, in the order of ranks."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values

    def once(self, work: Callable[[], T]) -> T:
        """Do `work` on process 0 alone, and return its result on every process."""
        values: list[Any] = [work() if self.is_main else None]
        if self.size > 1:
            dist.broadcast_object_list(values, src=0)
        return values[0]

    def begin_sum(self, tensor: Tensor) -> Transfer:
        """Begin to replace `tensor` by its sum over all processes."""
        return Transfer(tensor, dist.all_reduce(tensor, async_op=True) if self.size > 1 else None)

    def begin_sum_part(self, tensor: Tensor) -> Transfer:
        """Begin to sum `tensor` over all processes and give each process its `part` of the sum (reduce-scatter)."""
        if self.size == 1:
            return Transfer(tensor)
        rows = -(-len(tensor) // self.size)
        source = _lengthened(tensor, rows * self.size)
        result = torch.empty(rows, *tensor.shape[1:], dtype=tensor.dtype, device=tensor.device)
        return Transfer(result, _reduce_scatter(result, source, async_op=True), source)

    def begin_join(self, part: Tensor, rows: int) -> Transfer:
        """Begin to put the parts of a tensor of `rows` rows together on every process (all-gather)."""
        if self.size == 1:
            return Transfer(part)
        source = part.contiguous()
        result = torch.empty(len(part) * self.size, *part.shape[1:], dtype=part.dtype, device=part.device)
        return Transfer(result[:rows], _all_gather(result, source, async_op=True), source)


ALONE = Group()


@contextmanager
def joined() -> Iterator[Group]:
    """Join the processes named by the environment (RANK of WORLD_SIZE), and provide their group.

    Without such variables the group is this process alone. If a process fails inside the block, all end, and the first one
    that knows the reason prints one line; if a process is lost, the others end too (see `heartbeat`). A process that ends
    because of another's failure raises SystemExit, and so do all but process 0 after an interruption.
    Raises InputError, which names the rank, for errors of input or files in this process.
    """
    rank, size, local_rank = _environment()
    if size == 1 or dist.is_initialized():  # is_initialized: an enclosing call has already joined
        yield Group(rank, size, local_rank)
        return
    store = _store()
    run = f"bytegolf/{store.add(f'joined/{rank}', 1)}"  # numbered, since a process may join again later
    heartbeat = Heartbeat(PrefixStore(f"{run}/heartbeat", store.clone()), rank, size)
    heartbeat.start()
    try:
        dist.init_process_group(backends(), store=PrefixStore(run, store), rank=rank, world_size=size, timeout=COLLECTIVE_TIMEOUT)
        yield Group(rank, size, local_rank)
        heartbeat.leave()
        dist.destroy_process_group()
    except InterruptedRunError:
        heartbeat.leave()
        if rank == 0:
            raise
        raise SystemExit(INTERRUPTED) from None
    except BaseException as error:
        if isinstance(error, RuntimeError) and heartbeat.failure_claimed():
            raise SystemExit(FAILED) from None
        message = f"rank {rank}: {_line(error)}"
        if not heartbeat.claim_failure(message):
            raise SystemExit(FAILED) from None
        if isinstance(error, (InputError, OSError)):
            raise InputError(message) from None
        raise


def _environment() -> tuple[int, int, int]:
    """Return this process's rank, the number of processes, and its rank on this machine, as set by torchrun."""
    if os.environ.get("WORLD_SIZE", "1") == "1":
        return 0, 1, 0
    try:
        rank, size, local_rank = (
            int(os.environ.get(name, default)) for name, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
        )
    except ValueError as error:
        raise InputError(f"RANK, WORLD_SIZE, LOCAL_RANK: expected the numbers that torchrun sets, found {error}") from None
    if not 0 <= rank < size:
        raise InputError(f"RANK: expected a number from 0 to {size - 1}, as WORLD_SIZE says, found {rank}")
    return rank, size, local_rank


def _store() -> Any:
    """Return the store that the processes share. Typed Any because torch's type stubs lack its `clone`."""
    try:
        return next(rendezvous("env://", timeout=START_TIMEOUT))[0]
    except (ValueError, RuntimeError) as error:
        expected = "expected where the processes of the run meet, as torchrun sets it beside WORLD_SIZE"
        raise InputError(f"MASTER_ADDR, MASTER_PORT: {expected}, found {error}; unset WORLD_SIZE to run one process") from None


def backends() -> str:
    """Return what tensors travel by, as torch names it: NCCL on GPUs, gloo on CPUs."""
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"


def _line(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'file system'}: {error.strerror or error}"
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def _lengthened(tensor: Tensor, rows: int) -> Tensor:
    """Return the tensor padded with rows of zeros to `rows` rows, or the tensor itself if it is long enough."""
    missing = rows - len(tensor)
    return torch.cat((tensor, tensor.new_zeros(missing, *tensor.shape[1:]))) if missing else tensor.contiguous()
