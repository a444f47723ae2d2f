"""Copies of the log for those who watch runs elsewhere: Weights & Biases and TensorBoard, where the recipe asks for them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import ModuleType

from bytegolf.config import Recipe, TrainConfig
from bytegolf.errors import InputError
from bytegolf.storage.run_folder import RunFolder

Track = Callable[[str, int, Mapping[str, float]], None]  # event, step, numbers


def require_trackers(config: TrainConfig) -> None:
    """Raises InputError if one that is asked for is not installed."""
    if config.wandb:
        _module("wandb", "train.wandb", "wandb")
    if config.tensorboard:
        _module("torch.utils.tensorboard", "train.tensorboard", "tensorboard")


@contextmanager
def trackers(recipe: Recipe, run: RunFolder) -> Iterator[Track]:
    """What to tell of each event; it tells all that the recipe asks for."""
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
    """A run there goes by the path of the run here, so that resuming continues it."""
    where = run.root.resolve()
    identity = hashlib.sha256(str(where).encode()).hexdigest()[:16]
    wandb = _module("wandb", "train.wandb", "wandb")
    there = wandb.init(
        project=recipe.train.wandb, name=where.name, id=identity, resume="allow", dir=str(run.root), config=recipe.model_dump()
    )
    try:
        yield lambda event, step, numbers: there.log({f"{event}/{name}": number for name, number in numbers.items()}, step=step)
    finally:
        there.finish()


@contextmanager
def _tensorboard(run: RunFolder) -> Iterator[Track]:
    module = _module("torch.utils.tensorboard", "train.tensorboard", "tensorboard")
    with module.SummaryWriter(log_dir=str(run.root / "tensorboard")) as writer:

        def track(event: str, step: int, numbers: Mapping[str, float]) -> None:
            for name, number in numbers.items():
                writer.add_scalar(f"{event}/{name}", number, step)

        yield track


def _module(name: str, key: str, package: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(f"{key}: expected the package {package} to be installed (pip install {package}), found {error}") from None
