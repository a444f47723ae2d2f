"""Copies of the log for those who watch runs elsewhere: Weights & Biases and TensorBoard, where the recipe asks for them.

Nothing is imported, let alone sent, unless it does. A run that is resumed shows every point once, as its log does.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bytegolf.config import Recipe, TrainConfig
from bytegolf.errors import InputError
from bytegolf.storage.run_folder import RunFolder
from bytegolf.training.points import Point, kept_points

Track = Callable[[Point], None]


def require_trackers(config: TrainConfig) -> None:
    """Raise InputError if a tracker that the recipe asks for is not installed."""
    if config.wandb:
        _import_wandb()
    if config.tensorboard:
        _import_summary_writer()


@contextmanager
def trackers(recipe: Recipe, run: RunFolder, keep_bytes: int) -> Iterator[Track]:
    """Open the trackers that the recipe asks for, and yield a function that passes a point on to all of them.

    The first `keep_bytes` bytes of the log are of steps that a resumed run has done. Their points are passed on first: a process
    that was killed may have kept them to itself.
    """
    with ExitStack() as stack:
        listeners: list[Track] = []
        if recipe.train.wandb:
            listeners.append(stack.enter_context(_wandb(recipe, run)))
        if recipe.train.tensorboard:
            listeners.append(stack.enter_context(_tensorboard(run)))

        def track(point: Point) -> None:
            for listener in listeners:
                listener(point)

        if listeners:
            for point in kept_points(run.log, keep_bytes):
                track(point)
        yield track


@contextmanager
def _wandb(recipe: Recipe, run: RunFolder) -> Iterator[Track]:
    """Open a Weights & Biases run, known by the path of the run folder, so that resuming continues it.

    A server says at which step it goes on, and takes no earlier one. Offline nothing is known of earlier attempts, so the new one
    holds everything, and those that were not sent are removed.
    """
    where = run.root.resolve()
    identity = hashlib.sha256(str(where).encode()).hexdigest()[:16]
    earlier = [folder for folder in (where / "wandb").glob(f"offline-run-*-{identity}") if not any(folder.glob("*.synced"))]
    remote = _import_wandb().init(
        project=recipe.train.wandb, name=where.name, id=identity, resume="allow", dir=str(run.root), config=recipe.model_dump()
    )
    first = remote.step
    if remote.offline:
        for folder in earlier:
            shutil.rmtree(folder)

    def track(point: Point) -> None:
        if point.numbers and point.step >= first:
            remote.log(dict(point.numbers), step=point.step)

    try:
        yield track
    finally:
        remote.finish()


@contextmanager
def _tensorboard(run: RunFolder) -> Iterator[Track]:
    """Open TensorBoard's files in the run folder. What is in those of earlier attempts is void, from step 0 on."""
    with _import_summary_writer()(log_dir=str(run.root / "tensorboard"), purge_step=0) as writer:

        def track(point: Point) -> None:
            for name, number in point.numbers.items():
                writer.add_scalar(name, number, point.step)

        yield track


def _import_wandb() -> Any:
    try:
        import wandb
    except ImportError as error:
        raise _missing("wandb", error) from None
    return wandb


def _import_summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise _missing("tensorboard", error) from None
    return SummaryWriter


def _missing(package: str, error: ImportError) -> InputError:
    return InputError(f"train.{package}: expected the package {package} to be installed (pip install {package}), found {error}")
