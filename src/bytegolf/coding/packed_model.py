"""An artifact opened for coding: its model, its tokenizer, and the hash that identifies it in coded files."""

import hashlib
from functools import cached_property
from pathlib import Path

from bytegolf.artifact.container import Artifact, read_artifact
from bytegolf.coding.bgc_file import SHORT_DIGEST_BYTES, digest
from bytegolf.errors import InputError
from bytegolf.exact.model import ExactModel
from bytegolf.storage.run_folder import RunFolder


class PackedModel:
    """An artifact file that is read and decoded once. Raises InputError for anything else."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            within = RunFolder(path).artifact
            advice = f"give {within}" if within.is_file() else "make one with: bytegolf pack RUN"
            raise InputError(f"{path}: expected an artifact, found {'a folder' if path.is_dir() else 'nothing'}; {advice}")
        data = path.read_bytes()
        self.path, self.size = path, len(data)
        self.artifact: Artifact = read_artifact(data, str(path))
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.digest = digest(data, SHORT_DIGEST_BYTES)

    @cached_property
    def model(self) -> ExactModel:
        """The model in exact arithmetic. Raises InputError, which names the file, for weights that it cannot hold."""
        try:
            return ExactModel.of(self.artifact.config, self.artifact.decoded())
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from None
