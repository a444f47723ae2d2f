"""What stands beside a script and says how it was run: README, logs, shell scripts."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bytegolf.contest.program import Program
from bytegolf.contest.switches import SOMETIMES

MAX_FILE_BYTES = 4_000_000
MAX_FILES = 60
SETTING = re.compile(r"(?:^|[\s\"'`;(])(?:export\s+|-e\s+)?([A-Z][A-Z0-9_]{2,60})=(\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'`\\;)]+)")
LOGGED = re.compile(
    r"(?:^|[\s,{(|])[\"']?([A-Za-z_][A-Za-z0-9_]{2,60})[\"']?\s?[:=]\s?(True|False|-?\d+(?:\.\d+)?(?:e-?\d+)?)(?=$|[\s,})|])"
)
RUN_WORDS = re.compile(r"\b(python3?|torchrun|accelerate|bash|sh|env)\b|train_gpt\.py|\\\s*$|^\s*export\s")
OPTION = re.compile(r"(?<!\S)(--[a-z][\w-]*)(?:[= ]([^\s-]\S*))?")
LISTED = re.compile(r"\s*[-*+]\s+`[A-Z][A-Z0-9_]{2,60}=[^`]+`\s*")  # a list of settings
SCRIPT_LINE = re.compile(r"^\s*(import |from \w+ import|def |class |@|return\b|#)")


@dataclass
class Beside:
    """The files beside a script, and the settings of its switches that they give."""

    readme: str = ""
    logs: dict[str, str] = field(default_factory=dict)  # text by name
    submission: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)

    def printed(self, program: Program) -> str:
        """Return what runs printed: the logs without the lines of the script, with which many of them begin."""
        own = {line.strip() for source in program.sources for line in source.text.split("\n")}
        return "\n".join(line for text in self.logs.values() for line in text.splitlines() if line.strip() not in own)


def read_beside(program: Program) -> Beside:
    """Read what stands beside a script. What is missing, too large or no text is left out."""
    beside = Beside()
    known = _switches(program)
    shells = []
    for path in sorted(program.path.parent.iterdir())[:MAX_FILES]:
        text = _text(path)
        if text is None:
            continue
        if path.suffix == ".md" and path.stem.lower() == "readme":
            beside.readme = text
        elif path.suffix in (".log", ".txt") and "requirements" not in path.name:
            beside.logs[path.name] = text
        elif path.name == "submission.json":
            beside.submission = text
        elif path.suffix == ".sh":
            shells.append(text)
    for text in (beside.readme, *shells):
        for name, value in _settings(text):
            if name in known:
                beside.variables[name] = value
    beside.variables |= _options(
        (beside.readme, *shells), {item.flag for items in program.options.values() for item in items}, program.path.name
    )
    for text in beside.logs.values():
        for name, logged in _logged(text):
            if name.upper() in known:
                beside.attributes[name] = logged
    return beside


def _text(path: Path) -> str | None:
    if path.is_symlink() or not path.is_file() or path.suffix not in (".md", ".log", ".txt", ".json", ".sh"):
        return None
    if path.stat().st_size > MAX_FILE_BYTES:
        return None
    return path.read_bytes().decode("utf-8", errors="replace")


def _switches(program: Program) -> set[str]:
    """Return the names that the program reads, or may read, from its environment."""
    return {
        node.value
        for source in program.sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{2,60}", node.value)
    }


def _settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield NAME=VALUE from the commands of a text: lines of a code block, with a command in them, or in a list of settings."""
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            inside = not inside
        elif inside or RUN_WORDS.search(line) or LISTED.fullmatch(line):
            yield from ((name, value.strip("\"'")) for name, value in SETTING.findall(line))


def _options(texts: Iterable[str], known: set[str], script: str) -> dict[str, str]:
    """Return the options that the commands of texts give a script: a value that only some of them give has SOMETIMES before it."""
    lines = [line for text in texts for line in re.sub(r"\\\n", " ", text).splitlines()]
    commands = [dict(OPTION.findall(line)) for line in lines if script in line and OPTION.search(line)] if known else []
    flags = known & {flag for command in commands for flag in command}
    last = {flag: value for command in commands for flag, value in command.items() if flag in flags}
    return {flag: value if all(flag in command for command in commands) else SOMETIMES + value for flag, value in last.items()}


def _logged(text: str) -> Iterator[tuple[str, object]]:
    """Yield the settings that a log shows, the script that many logs begin with left out."""
    for line in text.splitlines():
        if "os.environ" in line or "getenv" in line or SCRIPT_LINE.match(line) or len(line) > 4_000:
            continue
        for name, value in LOGGED.findall(line):
            yield name, _value(value)


def _value(text: str) -> object:
    if text in ("True", "False"):
        return text == "True"
    number = float(text)
    return int(number) if re.fullmatch(r"-?\d+", text) else number
