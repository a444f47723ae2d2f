"""One command of the table of robustness in a copy of the workshop, and the conditions that it can be put under."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bytegolf.storage.claim import claimed
from support.command_line import Result
from support.robustness import DAMAGE, VERBS, essence
from support.runs import environment, heed_signals, small_disk


@dataclass(frozen=True)
class Reference:
    """What a verb gives when nothing is wrong."""

    shown: dict[str, object]
    essence: object


class Place:
    """A copy of the workshop in which one command is run."""

    def __init__(self, root: Path, verb: str) -> None:
        self.root, self.name, self.verb = root, verb, VERBS[verb]
        self.out = root / self.verb.name

    def words(self, *options: str) -> list[str]:
        """The command as it is typed."""
        named = {"IN": self.verb.input, "OUT": str(self.out.relative_to(self.root))}
        return [named.get(word, word) for word in self.verb.command.split()] + list(options)

    def process(self, *options: str, prefix: Sequence[str] = ()) -> list[str]:
        """The command as a real process."""
        return [*prefix, sys.executable, "-m", "bytegolf", *self.words(*options)]

    def run(self, command: list[str]) -> Result:
        done = subprocess.run(command, cwd=self.root, env=environment(), capture_output=True, text=True, timeout=300)
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start the command, with its stderr in a pipe."""
        nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
        return subprocess.Popen(
            self.process(*options), cwd=self.root, env=environment(), stdout=nothing, stderr=pipe, preexec_fn=heed_signals
        )

    def essence(self) -> object:
        return essence(self.name, self.out)


@contextmanager
def under(place: Place, condition: str, results: dict[str, Place]) -> Iterator[None]:
    """Bring a condition about that needs no other process."""
    with ExitStack() as stack:
        if condition in DAMAGE:
            part = place.verb.part if condition == "truncated" else ""
            DAMAGE[condition](place.root / place.verb.input / part)
        elif condition == "exists" and place.name in results:
            made = results[place.name].out
            shutil.copytree(made, place.out) if made.is_dir() else shutil.copy(made, place.out)
        elif condition == "exists" or condition == "another kind":
            folder = (place.verb.out == "folder") == (condition == "exists")
            (place.out / "note" if folder else place.out).parent.mkdir(exist_ok=True)
            (place.out / "note" if folder else place.out).write_text("something\n")
        elif condition == "a pipe":
            os.mkfifo(place.out)
        elif condition == "a device":
            _null_device(place.out)
        elif condition == "below a file":
            place.out = place.root / "notes.txt" / "deeper" / "new"
        elif condition == "unwritable":
            locked = place.out.parent if place.out.parent != place.root else place.root / "locked"
            locked.mkdir(exist_ok=True)
            locked.chmod(0o555)
            place.out = locked / place.out.name
        elif condition == "disk full":
            stack.enter_context(small_disk(100))
        elif condition == "two at once":
            stack.enter_context(claimed(place.out, folder=place.verb.out == "folder"))
        yield


def _null_device(path: Path) -> None:
    """Make a copy of the null device, or a link to it where only root may."""
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        path.symlink_to("/dev/null")
