"""Describe the run folder: the files that a training run leaves, and where each one is."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bytegolf.errors import InputError
from bytegolf.storage.files import read_json


@dataclass(frozen=True)
class RunFolder:
    """The folder of one training run and of everything made from it."""

    root: Path

    @property
    def recipe(self) -> Path:
        """Return the path of the resolved recipe."""
        return self.root / "recipe.toml"

    @property
    def log(self) -> Path:
        """Return the path of the log of events, one JSON object per line."""
        return self.root / "log.jsonl"

    @property
    def text_log(self) -> Path:
        """Return the path of the log in plain text."""
        return self.root / "train.log"

    @property
    def checkpoints(self) -> Path:
        """Return the path of the folder of checkpoints."""
        return self.root / "checkpoints"

    @property
    def weights(self) -> Path:
        """Return the path of the final weights."""
        return self.root / "weights.safetensors"

    @property
    def manifest(self) -> Path:
        """Return the path of the manifest, which marks the run as finished."""
        return self.root / "manifest.json"

    @property
    def pack(self) -> Path:
        """Return the path of the result of packing."""
        return self.root / "pack.json"

    @property
    def artifact(self) -> Path:
        """Return the path of the packed artifact."""
        return self.root / "artifact.bgz"

    @property
    def report(self) -> Path:
        """Return the path of the HTML report."""
        return self.root / "report.html"

    def score(self, protocol: str) -> Path:
        """Return the path of the score under `protocol`."""
        return self.root / f"score-{protocol}.json"

    def read_manifest(self) -> dict[str, Any]:
        """Return what the finished run recorded. Raises InputError if the run is missing or unfinished."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: expected a run folder, found nothing")
        if not self.manifest.exists():
            finish = f"bytegolf train RECIPE --data DIR --out {self.root} --resume"
            raise InputError(f"{self.root}: expected a finished run, found no manifest.json; finish it with: {finish}")
        manifest = read_json(self.manifest)
        if not isinstance(manifest, dict) or "val_bpb" not in manifest:
            raise InputError(f"{self.manifest}: expected what a finished run records, found something else")
        return manifest

    def events(self) -> list[dict[str, Any]]:
        """Return the events of the log, one object each. Raises InputError if the log is damaged."""
        try:
            events = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        except (OSError, ValueError) as error:
            raise InputError(f"{self.log}: expected an object per line, found {error}") from None
        if not all(isinstance(event, dict) and "event" in event for event in events):
            raise InputError(f"{self.log}: expected an object with its event per line, found something else")
        return events
