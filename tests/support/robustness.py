"""Every verb under every condition that users meet: the commands, the conditions, and how each pair has to end.

`docs/robustness.md` is this table, and `tests/cli/test_robustness.py` tries each cell of it.
"""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bytegolf as bg
from support import house
from support.runs import MICRO, documents

PAGE = house.ROOT / "docs" / "robustness.md"

RIGHT = "right"  # status 0 and the result that the verb has without the condition
REFUSED = "refused"  # status 2, one line that names what is wrong, nothing changed
SHOWN = "on stderr"  # status 2, one line, and the result stands on stderr
ENDED = "ends"  # status 130 or an end before; nothing half made is left, and the same command then gives the right result
AGAIN = "again"  # the same command then gives the right result
NONE = ""  # does not apply

OUTPUTS = {
    "exists": "the output is there already, of the same kind",
    "another kind": "a folder is where a file goes, a file where a folder goes",
    "a pipe": "the output is a named pipe that somebody reads",
    "a device": "the output is the null device, or a copy of it",
    "below a file": "the path of the output goes through a file",
    "unwritable": "the folder around the output cannot be written",
    "a mount": "the output is a mount: an empty file system for a folder, a mounted file for a file",
    "disk full": "files cannot grow beyond 100 bytes",
    "two at once": "another process is writing the same output",
}
INPUTS = {
    "missing": "the input does not exist",
    "empty": "the input is an empty file or folder",
    "wrong kind": "the input is a folder where a file is read, a file where a folder is read",
    "truncated": "the second half of the input, or of a file in it, is gone",
    "unreadable": "the input may not be read",
}
ENDINGS = {
    "SIGTERM": "the process is told to end, at some instant",
    "SIGHUP": "the terminal goes away, at some instant",
    "SIGKILL": "the process is killed, at some instant",
    "stdout closed": "the process starts without a stdout",
    "stdout gone": "nobody reads the pipe that stdout is",
    "stdout full": "stdout goes to a full disk",
    "ASCII": "neither streams nor file names can hold more than ASCII",
}
CONDITIONS = OUTPUTS | INPUTS | ENDINGS


@dataclass(frozen=True)
class Verb:
    """A command whose words may be IN and OUT, and what its output is."""

    command: str
    input: str = ""  # a name in the workshop
    out: Literal["file", "folder", ""] = ""
    name: str = "new"  # of the output
    part: str = ""  # of an input folder, the file that is cut where one is
    cells: tuple[tuple[str, str], ...] = ()  # conditions that end otherwise than for the other verbs

    def outcome(self, condition: str) -> str:
        """Return how the verb has to end under a condition."""
        return dict(self.cells).get(condition, self._usual(condition))

    def _usual(self, condition: str) -> str:
        if condition in OUTPUTS:
            if not self.out:
                return NONE
            if condition in ("exists", "a mount"):
                return RIGHT
            return RIGHT if self.out == "file" and condition in ("a pipe", "a device") else REFUSED
        if condition in INPUTS:
            return REFUSED if self.input else NONE
        if condition.startswith("stdout"):
            return SHOWN
        if condition == "ASCII":
            return RIGHT
        return (ENDED if condition != "SIGKILL" else AGAIN) if self.out else NONE


VERBS = {
    "quickstart": Verb(
        "quickstart --out OUT", "", "folder",
        cells=tuple((condition, NONE) for condition in ("exists", "a mount", "disk full", *ENDINGS)),
    ),
    "recipes": Verb("recipes IN", "micro.toml"),
    "plan": Verb("plan IN", "micro.toml"),
    "prepare": Verb("prepare IN --tokenizer bytes --out OUT", "texts.jsonl.gz", "folder", cells=(("wrong kind", NONE),)),
    "train": Verb(
        "train micro.toml --data IN --out OUT", "data", "folder", part="train_000000.bin",
        cells=(("exists", REFUSED), ("disk full", AGAIN)),
    ),
    "sweep": Verb("sweep micro.toml --data IN --seeds 1 --set qat.start=1 --out OUT", "data", "folder", part="train_000000.bin"),
    "import": Verb(
        "import IN --recipe micro.toml --tokenizer bytes --out OUT", "weights.safetensors", "folder", cells=(("exists", REFUSED),)
    ),
    "pack": Verb("pack IN --budget 30000 --out OUT", "run", "file", part="weights.safetensors"),
    "score": Verb("score IN --data data --limit-bytes 500", "model.bgz"),
    "report": Verb("report IN --out OUT", "run", "file", part="log.jsonl"),
    "prove": Verb(
        "prove box/model.bgz --data IN --limit-bytes 200 --no-sandbox", "data", "file", name="box/receipt.json", part="val_000000.bin",
        cells=(("a pipe", NONE), ("a device", NONE), ("below a file", NONE), ("a mount", NONE)),
    ),
    "verify": Verb("verify IN --no-sandbox", "receipt.json"),
    "audit": Verb("audit predictor:make --tokens 16 --noise-tokens 64 --no-sandbox", "predictor.py"),
    "review": Verb("review IN", "train_gpt.py", cells=(("empty", RIGHT), ("truncated", RIGHT))),
    "compare": Verb("compare --leaderboard IN --alpha 0.1", "board.csv"),
    "submit": Verb(
        "submit IN --data data --out OUT --limit-bytes 200 --check-bytes 200 --no-sandbox", "run", "folder", part="weights.safetensors",
        cells=(("exists", REFUSED),),
    ),
    "generate": Verb("generate IN --prompt ab --seed 1 --max-tokens 8", "model.bgz"),
    "export": Verb("export IN --to hf --out OUT", "model.bgz", "folder"),
    "compress": Verb("compress model.bgz IN OUT", "notes.txt", "file", cells=(("empty", RIGHT), ("truncated", RIGHT))),
    "decompress": Verb("decompress model.bgz IN OUT", "notes.bgc", "file"),
    "doctor": Verb("doctor"),
    "bench": Verb("bench IN --seconds 0 --corpus-tokens 65536 --out OUT", "micro.toml", "file"),
}  # fmt: skip


def make_workshop(root: Path, data: Path, run: Path) -> Path:
    """Fill `root` with the inputs of all verbs, made of a data folder and a finished run."""
    shutil.copytree(data, root / "data")
    shutil.copytree(run, root / "run", ignore=shutil.ignore_patterns("report.html"))
    shutil.copy(MICRO, root / "micro.toml")
    shutil.copy(run / "artifact.bgz", root / "model.bgz")
    shutil.copy(run / "weights.safetensors", root / "weights.safetensors")
    lines = "".join(json.dumps({"text": text}) + "\n" for text in documents(count=30))
    (root / "texts.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    (root / "notes.txt").write_text(documents(seed=2, count=1)[0][:300])
    (root / "predictor.py").write_text(PREDICTOR)
    (root / "board.csv").write_text("old,1.3,1.31\nnew,1.1,1.11\n")
    (root / "train_gpt.py").write_text(SCRIPT)
    (root / "box").mkdir()
    shutil.copy(root / "model.bgz", root / "box" / "model.bgz")
    bg.compress(root / "model.bgz", root / "notes.txt", root / "notes.bgc")
    bg.prove(root / "model.bgz", root / "data", limit_bytes=200, sandbox=False)
    return root


SCRIPT = """\
class Hyperparameters:
    num_layers = 9
    model_dim = 512


print(Hyperparameters.num_layers)
"""

PREDICTOR = """\
import numpy as np


class Uniform:
    vocab_size = 8

    def reset(self):
        pass

    def predict(self):
        return np.full(8, 1 / 8)

    def observe(self, token):
        pass


def make():
    return Uniform()
"""


def essence(verb: str, out: Path) -> object:
    """Return what two outputs of a verb have in common, whatever the time and the machine's pace."""
    if verb == "prepare":
        return {path.name: _sha256(path) for path in out.iterdir() if path.name != "manifest.json"}
    if verb in ("train", "import", "sweep"):
        return _sha256(out / ("cells/seed=1" if verb == "sweep" else "") / "weights.safetensors")
    if verb == "submit":
        return {path.name: _sha256(path) for path in (out / "train_gpt.py", *out.glob("*.bgz"))}
    if verb == "export":
        return {path.name: _sha256(path) for path in out.iterdir()}
    if verb == "prove":
        receipt = json.loads(out.read_bytes())
        return {key: receipt[key] for key in ("ok", "coded_bytes", "sha256", "proof_sha256")}
    return sorted(json.loads(out.read_bytes())) if verb == "bench" else _sha256(out)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- the conditions of inputs, as changes of the folder that the command runs in


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(path: Path) -> None:
    folder = path.is_dir()
    _remove(path)
    path.mkdir() if folder else path.touch()


def _other_kind(path: Path) -> None:
    folder = path.is_dir()
    _remove(path)
    path.write_text("words\n") if folder else path.mkdir()


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": _remove,
    "empty": _empty,
    "wrong kind": _other_kind,
    "truncated": _truncate,
    "unreadable": lambda path: path.chmod(0),
}


# --- the page


def page() -> str:
    """Return docs/robustness.md."""
    rows = ["| | " + " | ".join(f"`{verb}`" for verb in VERBS) + " |", "|---" * (len(VERBS) + 1) + "|"]
    rows += [f"| {condition} | " + " | ".join(verb.outcome(condition) or "·" for verb in VERBS.values()) + " |" for condition in CONDITIONS]
    meanings = [f"- **{condition}**: {meaning}" for condition, meaning in CONDITIONS.items()]
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(meanings) + "\n"


HEAD = f"""\
# What happens when something is wrong

Each verb was run under each condition; every cell is tried by `tests/cli/test_robustness.py` (`make test` and `make check`),
and `make docs` writes this page from the same table.

- **{RIGHT}**: status 0, and the result that the verb has without the condition.
- **{REFUSED}**: status 2 and one line that names what is wrong, before the work where that can be known; no file has changed.
- **{SHOWN}**: the result could not be printed where it belongs, so it stands on stderr; status 2.
- **{ENDED}**: status 130 (or the signal's own in the first instants); nothing half made is left, and the same command (`train` with
  `--resume`) then gives the right result.
- **{AGAIN}**: what was half made is hidden, and the same command removes it and gives the right result. (`prepare` of much text, which has
  a record of what it has done, goes on from there, and keeps it after other endings too.)
- **·**: does not apply.

`quickstart` is prepare, train, pack, report and prove in one, and otherwise ends as they do.

"""


if __name__ == "__main__":
    PAGE.write_text(page())
