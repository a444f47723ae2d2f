"""Copies of the log for those who watch runs elsewhere: Weights & Biases and TensorBoard, where the recipe asks for them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from bytegolf.config import Recipe, TrainConfig
from bytegolf.errors import InputError
from bytegolf.storage.run_folder import RunFolder

Track = Callable[[str, int, Mapping[str, float]], None]  # event, step, numbers


def require_trackers(config: TrainConfig) -> None:
    """Raise InputError if a tracker that the recipe asks for is not installed."""
    if config.wandb:
        _import_wandb()
    if config.tensorboard:
        _import_summary_writer()


@contextmanager
def trackers(recipe: Recipe, run: RunFolder) -> Iterator[Track]:
    """Open the trackers that the recipe asks for, and yield a function that passes an event on to all of them."""
    with ExitStack() as stack:
        listeners: list[Track] = []
        if recipe.train.wandb:
            listeners.append(stack.enter_context(_wandb(recipe, run)))
        if recipe.train.tensorboard:
            listeners.append(stack.enter_context(_tensorboard(run)))

        def track(event: str, step: int, numbers: Mapping[str, float]) -> None:
            for listener in listeners:
                listener(event, step, numbers)

        yield track


@contextmanager
def _wandb(recipe: Recipe, run: RunFolder) -> Iterator[Track]:
    """Open a Weights & Biases run, known by the path of the run folder, so that resuming continues it."""
    where = run.root.resolve()
    identity = hashlib.sha256(str(where).encode()).hexdigest()[:16]
    remote = _import_wandb().init(
        project=recipe.train.wandb, name=where.name, id=identity, resume="allow", dir=str(run.root), config=recipe.model_dump()
    )
    try:
        yield lambda event, step, numbers: remote.log({f"{event}/{name}": number for name, number in numbers.items()}, step=step)
    finally:
        remote.finish()


@contextmanager
def _tensorboard(run: RunFolder) -> Iterator[Track]:
    """Open TensorBoard's files in the run folder."""
    with _import_summary_writer()(log_dir=str(run.root / "tensorboard")) as writer:

        def track(event: str, step: int, numbers: Mapping[str, float]) -> None:
            for name, number in numbers.items():
                writer.add_scalar(f"{event}/{name}", number, step)

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
