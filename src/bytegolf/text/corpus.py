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
from bytegolf.runtime.progress import Advancing
from bytegolf.text.documents import CorpusFile, CorpusReading, Document, Remarks
from bytegolf.text.readers import python_module, read_in_pieces, read_whole

NOT_STDLIB = frozenset({"site-packages", "test", "tests", "idle_test"})


@dataclass(frozen=True)
class Corpus:
    """Documents in a fixed order. `source` says where they come from, for the manifest and for messages.

    Records hold their text in `text_column`. Bad records and files are refused, or with `skip_bad` left out.
    """

    source: str
    files: tuple[CorpusFile, ...]
    text_column: str | None = None
    skip_bad: bool = False

    @property
    def size(self) -> int:
        """Return the size of all files on disk, in bytes."""
        return sum(file.path.stat().st_size for file in self.files)

    def __iter__(self) -> Iterator[Document]:
        return self.read()

    def read(self, progress: Advancing | None = None, remarks: Remarks | None = None) -> Iterator[Document]:
        """Yield every document, advance `progress` by the bytes read from disk, and enter in `remarks` what is no document.

        Raises InputError for a record or file that cannot be read, unless they are skipped.
        """
        reading = CorpusReading(self.text_column, remarks or Remarks(self.skip_bad))
        for file in self.files:
            try:
                yield from _read(file, reading, progress)
            except InputError as error:
                if not self.skip_bad:
                    raise InputError(f"{error}; the option skip_bad leaves out what cannot be read") from None
                reading.remarks.skip(error)


def open_corpus(
    sources: Sequence[str], exclude: Path | None = None, *, text_column: str | None = None, remarks: Remarks | None = None
) -> Corpus:
    """Return the corpus of `sources`: each "stdlib", a folder, or a file of text, JSON or parquet.

    Files under the folder `exclude`, where the prepared data will go, are left out. A single text file is cut into
    pieces. What is left out of folders is entered in `remarks`, which also says whether bad records are skipped.
    Raises InputError for a path that is neither file nor folder, and for a corpus without files.
    """
    remarks = remarks or Remarks()
    if len(sources) == 1 and (path := Path(sources[0])).is_file():  # one document could not be split
        files: tuple[CorpusFile, ...] = (CorpusFile(path, path.name, read_in_pieces),)
    else:
        files = tuple(file for source in sources for file in _files(source, exclude, remarks))
    if not files:
        raise InputError(f"{', '.join(sources) or 'source'}: expected files of text, found none")
    return Corpus(", ".join(sources), files, text_column, remarks.skip_bad)


def _read(file: CorpusFile, reading: CorpusReading, progress: Advancing | None) -> Iterator[Document]:
    """Yield the documents of a file, and advance `progress` by the bytes read from disk."""
    try:
        with file.path.open("rb") as raw:
            seen = 0
            for document in file.read(file, raw, reading):
                if progress is not None:
                    progress.advance(raw.tell() - seen)
                    seen = raw.tell()
                yield document
    except OSError as error:
        raise InputError(f"{file.path}: expected a readable file, found {error.strerror}") from None


def _files(source: str, exclude: Path | None, remarks: Remarks) -> Iterator[CorpusFile]:
    if source == "stdlib":
        return _stdlib()
    path = Path(source)
    if path.is_dir():
        return _folder(path, exclude, remarks)
    if path.is_file():
        return iter([CorpusFile(path, path.name, read_whole)])
    raise InputError(f"{source}: expected stdlib, or a file or folder of text, found {'no regular file' if path.exists() else 'nothing'}")


def _stdlib() -> Iterator[CorpusFile]:
    """Yield the Python modules of the running interpreter's library, except tests and installed packages."""
    root = Path(sysconfig.get_path("stdlib"))
    for name in _walk(root, lambda folder: folder.name not in NOT_STDLIB):
        if name.endswith(".py") and (root / name).is_file():
            yield CorpusFile(root / name, name, python_module)


def _folder(root: Path, exclude: Path | None, remarks: Remarks) -> Iterator[CorpusFile]:
    """Yield the regular files of a folder that are not hidden."""
    outside = exclude and exclude.resolve()

    def enter(folder: Path) -> bool:
        if folder.name.startswith("."):
            remarks.note("hidden folders left out", folder)
        elif folder.is_symlink():
            remarks.note("links to folders left out", folder)
        elif folder.resolve() != outside:
            return True
        return False

    for name in _walk(root, enter):
        path = root / name
        if path.name.startswith("."):
            remarks.note("hidden files left out", path)
        elif not path.is_file():
            remarks.note("links to nothing and special files left out", path)
        else:
            yield CorpusFile(path, name, read_whole)


def _walk(root: Path, enter: Callable[[Path], bool]) -> list[str]:
    """Return the POSIX paths, relative to `root`, of all that is no folder in folders that `enter` allows, sorted."""
    names = []
    for folder, subfolders, files in os.walk(root, onerror=_refuse_folder):
        subfolders[:] = [name for name in subfolders if enter(Path(folder, name))]
        names += [PurePath(folder, name).relative_to(root).as_posix() for name in files]
    return sorted(names)


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"{error.filename}: expected a readable folder, found {error.strerror}")
