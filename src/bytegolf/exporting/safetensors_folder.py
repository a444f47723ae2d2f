"""A model as three files that every language reads: its weights, its configuration in JSON, and its tokenizer.

docs/export.md names the tensors.
"""

import json
from pathlib import Path

from bytegolf.exporting.exported_model import ExportedModel
from bytegolf.storage.files import write_atomically, write_json


def write_safetensors_folder(folder: Path, model: ExportedModel) -> None:
    """Write `model.safetensors`, in float32 and under the names of the model's parameters, `config.json` and the tokenizer."""
    config = {
        "model": model.config.model_dump(),
        "score": model.score.model_dump(),
        "tokenizer": {"kind": model.tokenizer.kind, "file": model.tokenizer.file_name, "sha256": model.tokenizer.sha256},
    }
    write_tensors(folder / "model.safetensors", model, metadata={"config": json.dumps(config)})
    write_json(folder / "config.json", config)
    write_atomically(folder / model.tokenizer.file_name, model.tokenizer.serialised)


def write_tensors(path: Path, model: ExportedModel, metadata: dict[str, str], prefix: str = "") -> None:
    """Write the weights in float32, each name behind `prefix`, with metadata beside "format", which loaders ask for."""
    from safetensors.numpy import save  # which not every verb has use for

    path.write_bytes(save({f"{prefix}{name}": values for name, values in model.weights.items()}, {"format": "pt", **metadata}))
