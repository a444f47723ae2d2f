"""What decoding depends on beside the file and the artifact: probabilities are floating-point numbers, whose last bits differ
between versions of torch, processors, devices and numbers of threads.
"""

from dataclasses import asdict, dataclass, fields
from importlib.metadata import version

import torch

from bytegolf.errors import InputError

Device = torch.device  # a name that the field `torch` does not hide


@dataclass(frozen=True)
class Conditions:
    torch: str
    constriction: str
    device: str
    instructions: str  # the CPU's, as torch chose its kernels by them
    threads: str

    @classmethod
    def here(cls, device: Device) -> "Conditions":
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        capability = torch.backends.cpu.get_cpu_capability()
        return cls(torch.__version__, version("constriction"), name, capability, str(torch.get_num_threads()))

    @classmethod
    def parse(cls, written: bytes) -> "Conditions":
        """Raises ValueError for what `to_bytes` did not write."""
        values = written.decode("ascii").split("|")
        if len(values) != len(fields(cls)):
            raise ValueError("conditions that are none")
        return cls(*values)

    def to_bytes(self) -> bytes:
        return "|".join(asdict(self).values()).encode("ascii", "replace")

    def require(self, found: "Conditions", name: str) -> None:
        """Raises InputError, which names the file `name`, unless `found` are these conditions."""
        here = asdict(found)
        differing = [key for key, value in asdict(self).items() if value != here[key]]
        if differing:
            expected, found_here = (", ".join(f"{key} {values[key]}" for key in differing) for values in (asdict(self), here))
            remedy = f"; set OMP_NUM_THREADS={self.threads}" if differing == ["threads"] else ""
            raise InputError(f"{name}: expected to be decoded as it was coded, with {expected}, found {found_here}{remedy}")
