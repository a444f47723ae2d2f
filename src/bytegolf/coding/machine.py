"""The machine that coded a file, as far as decoding depends on it.

Probabilities are floating-point numbers, whose last bits differ between versions of torch, processors, devices and numbers
of threads. One such bit would garble all that follows, so a file names what it was coded with and is refused elsewhere.
"""

from dataclasses import asdict, dataclass, fields
from importlib.metadata import version

import torch

from bytegolf.errors import InputError

Device = torch.device  # a name that the field `torch` does not hide


@dataclass(frozen=True)
class Conditions:
    """Everything that the bits of a probability depend on, beside artifact and tokens."""

    torch: str
    constriction: str
    device: str
    instructions: str  # of the CPU, by which torch chose its kernels
    threads: str

    @classmethod
    def here(cls, device: Device) -> "Conditions":
        """Return the conditions of this process on `device`."""
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        capability = torch.backends.cpu.get_cpu_capability()
        return cls(torch.__version__, version("constriction"), name, capability, str(torch.get_num_threads()))

    @classmethod
    def parse(cls, written: bytes) -> "Conditions":
        """Return the conditions that `to_bytes` wrote. Raises ValueError for anything else."""
        text = written.decode("ascii")
        values = text.split("|")
        if len(values) != len(fields(cls)) or not text.isprintable():
            raise ValueError(f"{len(values)} conditions instead of {len(fields(cls))}, or not in print")
        conditions = cls(*values)
        if not conditions.threads.isdecimal():
            raise ValueError(f"{conditions.threads} threads")
        return conditions

    def to_bytes(self) -> bytes:
        """Return the conditions as a file's head has them."""
        return "|".join(asdict(self).values()).encode("ascii", "replace")

    def require(self, present: "Conditions", name: str) -> None:
        """Raise InputError, which names the file `name`, unless the `present` conditions are these."""
        coded, here = asdict(self), asdict(present)
        differing = [key for key, value in coded.items() if value != here[key]]
        if differing:
            expected, found = (", ".join(f"{key} {values[key]}" for key in differing) for values in (coded, here))
            remedy = f"; set OMP_NUM_THREADS={self.threads}" if differing == ["threads"] else ""
            raise InputError(f"{name}: expected to be decoded as it was coded, with {expected}, found {found}{remedy}")
