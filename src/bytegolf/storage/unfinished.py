"""A folder that takes long to fill: what an interrupted attempt wrote stays hidden, and the next attempt goes on from there.

Beside what is written lies a record of how far that is. Without one there is nothing to go on from, and nothing is kept.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bytegolf.runtime.progress import say
from bytegolf.storage.files import clear_partial, errors_name, is_filled_in_place, publish_folder, require_writable

NAME = "unfinished"


@dataclass(frozen=True)
class UnfinishedFolder:
    """The hidden folder in which `path` is filled. Only one process may use it at a time; see `claim`."""

    path: Path

    @property
    def root(self) -> Path:
        """Return the hidden folder: beside `path`, or inside it where that is filled in place."""
        target = self.path.resolve()
        return target / f".{NAME}" if is_filled_in_place(target) else target.with_name(f".{target.name}.{NAME}")

    @property
    def content(self) -> Path:
        """Return the folder that becomes `path`."""
        return self.root / "content"

    @property
    def record(self) -> Path:
        """Return the path of the record of how far the content is."""
        return self.root / "record.json"

    def remove(self) -> None:
        """Remove what was written, the record first: without one it counts as nothing."""
        self.record.unlink(missing_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)

    @contextmanager
    def filling(self) -> Iterator[Path]:
        """Provide the content for a block that fills it, then let it appear as `path`. An error names `path`.

        On an error the content is kept if there is a record. Raises InputError if `path` cannot be written.
        """
        require_writable(self.path, folder=True)
        target, root = self.path.resolve(), self.root
        if not self.record.exists():
            self.remove()
        try:
            with errors_name(self.path, root):
                self.content.mkdir(parents=True, exist_ok=True)
                clear_partial(self.content)
                self._take_back(target)
                yield self.content
                publish_folder(self.content, target)
        except BaseException:
            if self.record.exists():
                say(f"{self.path}: unfinished; the same command goes on with it")
            else:
                self.remove()
            raise
        self.remove()

    def _take_back(self, target: Path) -> None:
        """Take back the files of a publication that was interrupted, which only one file by file can be."""
        if is_filled_in_place(target) and self.record.exists():
            for file in [file for file in target.iterdir() if not file.name.startswith(".")]:
                file.replace(self.content / file.name)
