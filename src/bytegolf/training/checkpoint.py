"""Checkpoints: all that continuing needs, in one folder that appears whole or not at all."""

import errno
import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, NonNegativeInt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.model.weights import Weights
from bytegolf.runtime.parallel import Group
from bytegolf.storage.files import atomic_folder, sha256_of
from bytegolf.storage.records import read_record

KEEP = 2


class State(BaseModel):
    """All of a checkpoint that is not a tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: NonNegativeInt
    seconds: float  # of training so far
    position: NonNegativeInt  # sequences consumed
    qat_started: bool
    swa_count: NonNegativeInt
    optimizers: dict[str, dict[str, float]]
    log_bytes: tuple[NonNegativeInt, NonNegativeInt]  # of log.jsonl and train.log, when it was saved
    fingerprint: dict[str, str]


class _Saved(BaseModel):
    """The content of `state.json`. The hashes detect a flipped bit, and tensors of another checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tensors_sha256: str
    state_sha256: str
    state: State


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a learner by "group/name", and the state they belong to."""

    tensors: Weights
    state: State

    def group(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of one checkpoint group (model, ema, swa, grid, an optimiser), under their own names."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): tensor for key, tensor in self.tensors.items() if key.startswith(prefix)}


def flatten(groups: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the tensors of all checkpoint groups by "group/name"."""
    return {f"{group}/{name}": tensor.detach().contiguous() for group, tensors in groups.items() for name, tensor in tensors.items()}


def save_checkpoint(folder: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write `folder/step-…` atomically and drop all but the last two. An OSError leaves the old ones as they are."""
    with atomic_folder(folder / f"step-{step:08d}") as partial:
        tensors = partial / "tensors.safetensors"
        try:
            save_file(dict(checkpoint.tensors), tensors)
        except SafetensorError as error:  # of a full disk, say
            raise OSError(errno.EIO, str(error)) from None
        state = checkpoint.state
        saved = _Saved(tensors_sha256=sha256_of(tensors), state_sha256=_hash(state), state=state)
        (partial / "state.json").write_text(saved.model_dump_json(indent=2) + "\n", "utf-8")
    for old in _saved(folder)[:-KEEP]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, device: torch.device) -> Checkpoint | None:
    """Return the newest checkpoint, or None where there is none. Raises InputError if it is damaged."""
    newest = newest_checkpoint(folder)
    if newest is None:
        return None
    tensors = newest / "tensors.safetensors"
    try:
        saved = read_record(newest / "state.json", _Saved, "the state of a run")
        for name, is_whole in (
            (tensors.name, sha256_of(tensors) == saved.tensors_sha256),
            ("state", _hash(saved.state) == saved.state_sha256),
        ):
            if not is_whole:
                raise ValueError(f"{name} is not as it was saved")
        return Checkpoint(load_file(tensors, device=str(device)), saved.state)
    except (InputError, OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{newest}: expected a checkpoint, found a damaged one ({error}); delete it to continue from the one before"
        ) from None


def shared_checkpoint(folder: Path, device: torch.device, group: Group) -> Checkpoint | None:
    """Return, on every process, the checkpoint that the main process loads: no other needs to see the folder."""
    loaded = load_checkpoint(folder, device) if group.is_main else None
    outline = group.once(lambda: _outline(loaded))
    if outline is None:
        return None
    state, kinds = outline
    tensors = loaded.tensors if loaded else {name: torch.empty(shape, dtype=dtype, device=device) for name, (shape, dtype) in kinds.items()}
    return Checkpoint({name: group.broadcast_(tensors[name]) for name in kinds}, state)


def _outline(checkpoint: Checkpoint | None) -> tuple[State, dict[str, tuple[torch.Size, torch.dtype]]] | None:
    """Return what the other processes must know to receive the tensors."""
    if checkpoint is None:
        return None
    return checkpoint.state, {name: (tensor.shape, tensor.dtype) for name, tensor in checkpoint.tensors.items()}


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the folder of the newest checkpoint, or None."""
    saved = _saved(folder)
    return saved[-1] if saved else None


def _hash(state: State) -> str:
    """Return the SHA-256 of a state, in hexadecimal."""
    return hashlib.sha256(state.model_dump_json().encode()).hexdigest()


def optimizer_tensors(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, float]]:
    """Split the state_dict of a torch optimiser into tensors and plain numbers, both by "parameter.key"."""
    flat = {f"{parameter}.{key}": value for parameter, values in state["state"].items() for key, value in values.items()}
    tensors = {name: value for name, value in flat.items() if isinstance(value, Tensor)}
    return tensors, {name: value for name, value in flat.items() if name not in tensors}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, float]) -> None:
    """Load what `optimizer_tensors` returned into an optimiser of the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **numbers}.items():
        parameter, key = name.split(".", 1)
        state.setdefault(int(parameter), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _saved(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.is_dir() else []
