"""Sources of text (the Python standard library, files, folders) as one stream of documents.

A corpus lists its files once, when it is opened, and can be read again and again: preparing data reads
it several times instead of holding it in memory.
"""

import os
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from bytegolf.errors import InputError
from bytegolf.runtime.progress import Progress
from bytegolf.text.readers import CorpusFile, Document, pieces, python_module, reader_for, whole_file

__all__ = ["Corpus", "Document", "open_corpus"]

NOT_STDLIB = frozenset({"site-packages", "test", "tests", "idle_test"})


@dataclass(frozen=True)
class Corpus:
    """Documents in a fixed order. `source` says where they come from, for the manifest and for messages."""

    source: str
    files: tuple[CorpusFile, ...]

    @property
    def size(self) -> int:
        """Return the size of all files on disk, in bytes."""
        return sum(file.path.stat().st_size for file in self.files)

    def __iter__(self) -> Iterator[Document]:
        return self.read()

    def read(self, progress: Progress | None = None) -> Iterator[Document]:
        """Yield every document, and advance `progress` by the bytes read from disk.

        Raises InputError for a file that cannot be read.
        """
        for file in self.files:
            try:
                with file.path.open("rb") as raw:
                    seen = 0
                    for document in file.read(file, raw):
                        if progress is not None:
                            progress.advance(raw.tell() - seen)
                            seen = raw.tell()
                        yield document
            except OSError as error:
                raise InputError(f"{file.path}: expected a readable file, found {error.strerror}") from None


def open_corpus(sources: Sequence[str], exclude: Path | None = None) -> Corpus:
    """Return the corpus of `sources`: each "stdlib", a folder, or a file of text, JSON lines or parquet.

    Files under the folder `exclude`, where the prepared data will go, are left out. A single text file is cut into
    pieces. Raises InputError for a path that is neither file nor folder, and for a corpus without files.
    """
    if len(sources) == 1 and Path(sources[0]).is_file() and reader_for(Path(sources[0])) is whole_file:
        path = Path(sources[0])  # one document could not be split into training and held-out text
        return Corpus(sources[0], (CorpusFile(path, path.name, pieces),))
    files = tuple(file for source in sources for file in _files(source, exclude))
    if not files:
        raise InputError(f"{', '.join(sources) or 'source'}: expected files of text, found none")
    return Corpus(", ".join(sources), files)


def _files(source: str, exclude: Path | None) -> Iterator[CorpusFile]:
    if source == "stdlib":
        return _stdlib()
    path = Path(source)
    if path.is_dir():
        return _folder(path, exclude)
    if path.is_file():
        return iter([CorpusFile(path, path.name, reader_for(path))])
    raise InputError(f"{source}: expected stdlib, or a file or folder of text, found {'no regular file' if path.exists() else 'nothing'}")


def _stdlib() -> Iterator[CorpusFile]:
    """Yield the Python modules of the running interpreter's library, except tests and installed packages."""
    root = Path(sysconfig.get_path("stdlib"))
    for name in _walk(root, lambda folder: folder.name not in NOT_STDLIB):
        if name.endswith(".py"):
            yield CorpusFile(root / name, name, python_module)


def _folder(root: Path, exclude: Path | None) -> Iterator[CorpusFile]:
    outside = exclude and exclude.resolve()
    for name in _walk(root, lambda folder: not folder.name.startswith(".") and folder.resolve() != outside):
        path = root / name
        if not path.name.startswith("."):
            yield CorpusFile(path, name, reader_for(path))


def _walk(root: Path, enter: Callable[[Path], bool]) -> list[str]:
    """Return the POSIX paths, relative to `root`, of the regular files in folders that `enter` allows, sorted."""
    names = []
    for folder, subfolders, files in os.walk(root, onerror=_refuse_folder):
        subfolders[:] = [name for name in subfolders if enter(Path(folder, name))]
        names += [PurePath(folder, name).relative_to(root).as_posix() for name in files if Path(folder, name).is_file()]
    return sorted(names)


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"{error.filename}: expected a readable folder, found {error.strerror}")
