"""A run or an artifact -> files of other tools."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from bytegolf.errors import ParameterError
from bytegolf.exporting.exported_model import ExportedModel
from bytegolf.exporting.safetensors_folder import write_safetensors_folder
from bytegolf.exporting.transformers_folder import write_transformers_folder
from bytegolf.flow.models import load_model
from bytegolf.model.shapes import parameter_count
from bytegolf.storage.claim import claimed
from bytegolf.storage.files import atomic_folder

FORMATS: dict[str, Callable[[Path, ExportedModel], None]] = {"safetensors": write_safetensors_folder, "hf": write_transformers_folder}
GGUF = "llama.cpp has no such architecture, and a file that it cannot run is no export (docs/export.md)"


@dataclass(frozen=True)
class ExportResult:
    """A folder that was written, in the format `to`."""

    out: str
    to: str
    parameters: int
    bytes: int
    files: list[str]

    def to_json(self) -> dict[str, object]:
        """Return the result as an object for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.out}: {self.parameters:,} parameters, {self.bytes:,} bytes in {len(self.files)} files"


def export(source: Path, out: Path, to: str) -> ExportResult:
    """Write a run or an artifact as a folder for other tools: `to` "safetensors", or "hf" for transformers.

    Raises ParameterError for another format, and InputError for what is neither run nor artifact.
    """
    if to not in FORMATS:
        raise ParameterError("to", f"expected {' or '.join(FORMATS)}, found {to!r}" + (f": {GGUF}" if to == "gguf" else ""))
    with claimed(out, source, folder=True):
        loaded = load_model(source)
        with atomic_folder(out) as folder:
            FORMATS[to](folder, ExportedModel(loaded.config, loaded.weights, loaded.tokenizer, loaded.score))
            files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return ExportResult(str(out), to, parameter_count(loaded.config), sum(files.values()), list(files))
