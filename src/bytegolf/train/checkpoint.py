"""Checkpoints: all that continuing needs, in one folder that appears whole or not at all."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bytegolf.errors import InputError
from bytegolf.run import atomic_folder

KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """`tensors` by "part/name" and JSON-able `state`."""

    tensors: dict[str, Tensor]
    state: dict[str, Any]

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors of one part, under their own names."""
        prefix = f"{name}/"
        return {key.removeprefix(prefix): tensor for key, tensor in self.tensors.items() if key.startswith(prefix)}


def flatten(parts: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"{part}/{name}": tensor.detach().contiguous() for part, tensors in parts.items() for name, tensor in tensors.items()}


def save_checkpoint(folder: Path, step: int, checkpoint: Checkpoint) -> None:
    """Write `folder/step-…` atomically and drop all but the last two."""
    for left in folder.glob(".step-*.partial"):  # by a process that was killed while it saved
        shutil.rmtree(left)
    with atomic_folder(folder / f"step-{step:08d}") as partial:
        save_file(checkpoint.tensors, partial / "tensors.safetensors")
        (partial / "state.json").write_text(json.dumps(checkpoint.state, indent=2) + "\n")
    for old in _saved(folder)[:-KEEP]:
        shutil.rmtree(old)


def load_checkpoint(folder: Path, device: torch.device) -> Checkpoint | None:
    """The newest checkpoint, or None where there is none. Raises InputError if it is damaged."""
    saved = _saved(folder)
    if not saved:
        return None
    newest = saved[-1]
    try:
        state = json.loads((newest / "state.json").read_text())
        return Checkpoint(load_file(newest / "tensors.safetensors", device=str(device)), state)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(
            f"{newest}: expected a checkpoint, found a damaged one ({error}); delete it to continue from the one before"
        ) from None


def optimizer_tensors(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, float]]:
    """A torch optimiser's state_dict split into tensors and plain numbers, both by "parameter.key"."""
    flat = {f"{parameter}.{key}": value for parameter, values in state["state"].items() for key, value in values.items()}
    tensors = {name: value for name, value in flat.items() if isinstance(value, Tensor)}
    return tensors, {name: value for name, value in flat.items() if name not in tensors}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, float]) -> None:
    """The inverse of `optimizer_tensors`, into an optimiser of the same parameters."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in {**tensors, **numbers}.items():
        parameter, key = name.split(".", 1)
        state.setdefault(int(parameter), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _saved(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.is_dir() else []
