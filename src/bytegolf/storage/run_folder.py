"""The run folder: what one training run leaves, and where each part lies."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.errors import InputError
from bytegolf.storage.files import read_json


@dataclass(frozen=True)
class RunFolder:
    """One training run and all that was made of it."""

    root: Path

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def log(self) -> Path:
        return self.root / "log.jsonl"

    @property
    def text_log(self) -> Path:
        return self.root / "train.log"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def weights(self) -> Path:
        return self.root / "weights.safetensors"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def pack(self) -> Path:
        return self.root / "pack.json"

    @property
    def artifact(self) -> Path:
        return self.root / "artifact.bgz"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    def score(self, protocol: str) -> Path:
        return self.root / f"score-{protocol}.json"

    def read_manifest(self) -> dict[str, Any]:
        """What the finished run recorded. Raises InputError if the run is missing or unfinished."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: expected a run folder, found nothing")
        if not self.manifest.exists():
            raise InputError(f"{self.root}: expected a finished run, found no manifest.json; finish it with: bytegolf train … --resume")
        manifest = read_json(self.manifest)
        if not isinstance(manifest, dict) or "val_bpb" not in manifest:
            raise InputError(f"{self.manifest}: expected what a finished run records, found something else")
        return manifest

    def events(self) -> list[dict[str, Any]]:
        """The log, an object per event. Raises InputError if it is damaged."""
        try:
            events = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        except (OSError, ValueError) as error:
            raise InputError(f"{self.log}: expected an object per line, found {error}") from None
        if not all(isinstance(event, dict) and "event" in event for event in events):
            raise InputError(f"{self.log}: expected an object with its event per line, found something else")
        return events
