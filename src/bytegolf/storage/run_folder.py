"""Describe the run folder: the files that a training run leaves, and where each one is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, TypeAdapter, ValidationError

from bytegolf.errors import InputError
from bytegolf.storage.records import problem, read_record
from bytegolf.storage.run_records import RunManifest

NUMBERS = {"step": ("step", "loss"), "validate": ("step", "bpb"), "qat": ("step",), "done": ("step", "seconds")}  # of each event
LARGEST = 1e18  # of them


def _complete(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event. Raises ValueError unless it has its name and its numbers."""
    name = event.get("event")
    if not isinstance(name, str):
        raise ValueError("no event")
    for key in NUMBERS.get(name, ()):
        if not isinstance(number := event.get(key), int | float) or not -LARGEST < number < LARGEST:
            raise ValueError(f"{name} without the number {key}")
    return event


EVENT = TypeAdapter(Annotated[dict[str, Any], AfterValidator(_complete)])


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

    def course(self, protocol: str) -> Path:
        """Return the path of the record of where in the text the bits of a score under `protocol` were spent."""
        return self.root / f"bits-{protocol}.json"

    def pack_to(self, budget: int, method: str) -> Path:
        """Return the path of the scored result of packing to a budget by a method, kept beside that of other budgets."""
        return self.root / f"pack-{method}-{budget}.json"

    def data_places(self) -> list[Path]:
        """Return where the data folder that the run was trained on is likely to lie: under the name `data` beside the run, or near."""
        return list(dict.fromkeys(place / "data" for place in (*self.root.absolute().parents[:3], Path.cwd())))

    def read_manifest(self) -> dict[str, Any]:
        """Return what the finished run recorded. Raises InputError if the run is missing or unfinished."""
        if not self.root.is_dir():
            make = f"bytegolf train RECIPE --data DIR --out {self.root}"
            raise InputError(f"{self.root}: expected a run folder, found nothing; make one with: {make}")
        if not self.manifest.exists():
            finish = f"bytegolf train RECIPE --data DIR --out {self.root} --resume"
            raise InputError(f"{self.root}: expected a finished run, found no manifest.json; finish it with: {finish}")
        return read_record(self.manifest, RunManifest, "what a finished run records").model_dump()

    def events(self, *, torn: bool = False) -> list[dict[str, Any]]:
        """Return the events of the log, one object each. Raises InputError if the log is damaged.

        Of a run that was killed the last line may be `torn`, and is then left out.
        """
        try:
            content = self.log.read_bytes()
        except OSError as error:
            raise InputError(f"{self.log}: expected the log of a run, found {error.strerror}") from None
        lines = content.splitlines()
        if torn and not content.endswith(b"\n"):
            lines = lines[:-1]
        events = []
        for number, line in enumerate(lines, 1):
            try:
                events.append(EVENT.validate_json(line))
            except ValidationError as error:
                raise InputError(f"{self.log}: expected an event in line {number}, found {problem(error)}") from None
        return events
