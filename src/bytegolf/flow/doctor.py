"""What this machine can do: each thing that a verb may need, whether it is there, and what to do if it is not."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bytegolf.flow.next_step import NextStep, next_step
from bytegolf.runtime.workers import usable_cores
from bytegolf.sandbox import sandbox_available

EXTRAS = {  # of pyproject.toml: the package that each brings, and what it is for
    "parquet": ("pyarrow", "prepare reads parquet"),
    "ray": ("ray", "work on a Ray cluster"),
    "tensorboard": ("tensorboard", "training is shown in TensorBoard"),
    "wandb": ("wandb", "training is shown in Weights & Biases"),
    "hf": ("transformers", "models are exported for transformers"),
}
COMPILERS = ("g++", "clang++", "c++")
LEAST_FREE_BYTES, LEAST_MEMORY_BYTES = 2_000_000_000, 4_000_000_000  # that the quickstart is comfortable with


@dataclass(frozen=True)
class Check:
    """One thing: whether it is there (`ok`), what was found, and if it is not there what to do or do without."""

    name: str
    ok: bool
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """Everything checked, and the command to give first."""

    checks: list[Check]
    next: NextStep

    @property
    def ok(self) -> bool:
        """Return whether all is there, what is optional included."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as an object for JSON."""
        return {"ok": self.ok, **asdict(self)}


def doctor(folder: Path = Path()) -> Diagnosis:
    """Look at this machine and at `folder`, and return what is there, what is missing, and what to run first."""
    return Diagnosis([*_programs(), *_resources(folder), *_devices(), _compiler(), _sandbox(), *_extras()], next_step(folder))


def _programs() -> Iterator[Check]:
    yield Check("python", sys.version_info >= (3, 11), platform.python_version(), "bytegolf needs 3.11 or newer")
    for name in ("torch", "numpy", "sentencepiece", "numba"):
        found = _version(name)
        yield Check(name, found is not None, found or "not installed", f"pip install {name}" if found is None else "")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _resources(folder: Path) -> Iterator[Check]:
    cores = usable_cores()
    yield Check("processor", True, f"{cores} {'core' if cores == 1 else 'cores'}, {platform.machine()}")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    enough = memory >= LEAST_MEMORY_BYTES
    yield Check("memory", enough, f"{memory / 1e9:.1f} GB", "" if enough else "train with a smaller train.micro_batch_tokens")
    free = shutil.disk_usage(folder).free
    enough = free >= LEAST_FREE_BYTES
    yield Check("disk", enough, f"{free / 1e9:.1f} GB free here", "" if enough else "make room, or give --out on another disk")


def _devices() -> Iterator[Check]:
    """Yield what can compute, in which precision and by which attention."""
    if _version("torch") is None:
        return
    import torch

    from bytegolf.model.kernels import Setting, choose, flash_attention_3
    from bytegolf.runtime.device import choose_device, choose_dtype

    gpus = [torch.device("cuda", index) for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    chosen = choose_device("auto")
    others = [] if chosen.type in ("cpu", "cuda") else [chosen]
    for device in [torch.device("cpu"), *gpus, *others]:
        major = torch.cuda.get_device_capability(device)[0] if device.type == "cuda" else 0
        dtype = choose_dtype("auto", device)
        kernel = choose(Setting(device.type, dtype, masked=False, capability=major, flash=flash_attention_3() is not None))
        name = f"{torch.cuda.get_device_name(device)}, " if device.type == "cuda" else ""
        used = "; used by default" if device.type == chosen.type else ""
        yield Check(f"device {device}", True, f"{name}{str(dtype).removeprefix('torch.')}, attention by {KERNELS[kernel]}{used}")
    if not gpus and not others:
        yield Check("gpu", False, "none that torch can use", "small recipes train on a CPU; v10_banked wants a GPU")


KERNELS = {"tiles": "bytegolf's tiles", "flash": "FlashAttention-3", "torch": "torch's kernels"}


def _compiler() -> Check:
    found = next((path for name in (os.environ.get("CXX"), *COMPILERS) if name and (path := shutil.which(name))), None)
    return Check("C++ compiler", found is not None, found or "none", "" if found else "training works without, slower; apt install g++")


def _sandbox() -> Check:
    there = sandbox_available()
    advice = "prove, verify, audit, submit and review --smoke need --no-sandbox: only with files that you trust"
    return Check("sandbox", there, "yes" if there else "none on this system", "" if there else advice)


def _extras() -> Iterator[Check]:
    for extra, (package, purpose) in EXTRAS.items():
        found = _version(package)
        advice = "" if found else f"if you want it: pip install 'bytegolf[{extra}]'"
        yield Check(f"extra {extra}", found is not None, f"{package} {found}: {purpose}" if found else f"no {package} ({purpose})", advice)
