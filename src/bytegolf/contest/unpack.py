"""The source that a self-extracting script hides, decoded without running anything of it."""

import ast
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bytegolf.contest.archives import members_of
from bytegolf.contest.constants import Scope, UnknownValueError, evaluate
from bytegolf.contest.decoders import DECODERS, DECODING_ERRORS, MAX_DECODED_BYTES
from bytegolf.contest.names import dotted, import_aliases
from bytegolf.contest.source import ScriptSource, decoded, source_of
from bytegolf.errors import InputError

MAX_LAYERS = 8
MAX_ASSIGNMENTS = 4  # of one name, beyond which its value is a matter of order
MAX_LINE = 1 << 40
ARCHIVE_READERS = ("ZipFile", "zipimporter")
RUNS_TEXT = {"exec", "eval", "builtins.exec", "builtins.eval"}
SAFE_METHODS = {
    "decode",
    "encode",
    "join",
    "replace",
    "strip",
    "rstrip",
    "lstrip",
    "split",
    "splitlines",
    "translate",
    "hex",
    "lower",
    "upper",
}
SAFE_CALLS: dict[str, Callable[..., object]] = {
    "bytes": bytes,
    "str": str,
    "int": int,
    "bytearray": bytearray,
    "ord": ord,
    "chr": chr,
    "len": len,
    "bytes.fromhex": bytes.fromhex,
}
CONSTANTS = {
    **{
        f"lzma.{name}": getattr(lzma, name)
        for name in dir(lzma)
        if name.startswith(("FORMAT_", "FILTER_", "CHECK_", "MF_", "MODE_", "PRESET_"))
    },
    "zlib.MAX_WBITS": zlib.MAX_WBITS,
}


class Opaque(NamedTuple):
    """A place where text is run that could not be read, and why."""

    source: ScriptSource
    node: ast.Call
    why: str


class Layers(NamedTuple):
    """A script and what is packed in it, outermost first, with what could not be read."""

    sources: list[ScriptSource]
    opaque: list[Opaque]
    files: list[Path]  # beside the script, whose content is run as text


def unpack(source: ScriptSource, path: Path) -> Layers:
    """Decode whatever a script runs as text: its own layers, and files beside it."""
    layers = Layers([source], [], [])
    waiting = [source]
    while waiting:
        outer = waiting.pop(0)
        reader = _Reader(outer, path, layers.files)
        for call, arguments in _running_calls(outer.tree, reader.aliases):
            if len(layers.sources) > MAX_LAYERS:
                layers.opaque.append(Opaque(outer, call, f"more than {MAX_LAYERS} layers"))
                break
            try:
                inner = reader.source_run_by(call, arguments, f"{path.name}, layer {len(layers.sources)}")
            except (UnknownValueError, *DECODING_ERRORS, InputError) as error:
                layers.opaque.append(Opaque(outer, call, str(error) or "not known before it is run"))
                continue
            if inner is not None:
                layers.sources.append(inner)
                waiting.append(inner)
        layers.sources.extend(reader.carried())
        layers.opaque.extend(Opaque(outer, call, "an archive that is not at hand") for call in reader.unread_archives())
    return layers


def _running_calls(tree: ast.Module, aliases: dict[str, str]) -> list[tuple[ast.Call, dict[str, ast.expr]]]:
    """Return the calls of `exec` and `eval`, under any name, in the order of lines.

    One inside a function comes once for each call of that function, with the arguments it then has.
    """
    found: list[tuple[ast.Call, dict[str, ast.expr]]] = []
    inside: set[ast.AST] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            calls = _calls_in(function, aliases)
            inside.update(calls)
            names = [argument.arg for argument in function.args.args]
            uses = (
                [node for node in ast.walk(tree) if isinstance(node, ast.Call) and dotted(node.func, {}) == function.name] if calls else []
            )
            given = [
                dict(zip(names, use.args, strict=False)) | {item.arg: item.value for item in use.keywords if item.arg}
                for use in uses[: MAX_LAYERS * 2]
            ]
            found += [(call, arguments) for arguments in given or [{}] for call in calls]
    found += [(call, {}) for call in _calls_in(tree, aliases) if call not in inside]
    return sorted(found, key=lambda item: (item[0].lineno, item[0].col_offset))


def _calls_in(tree: ast.AST, aliases: dict[str, str]) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args and dotted(node.func, aliases) in RUNS_TEXT]


class _Reader:
    """Evaluates what is run as text, with decoders as the only functions."""

    def __init__(self, source: ScriptSource, path: Path, files: list[Path]) -> None:
        self.source, self.path, self.files = source, path, files
        self.aliases = import_aliases(source.tree)
        self.assigned: dict[str, list[ast.expr]] = {}
        self.arguments: dict[str, ast.expr] = {}
        self.line = MAX_LINE
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.assigned.setdefault(target.id, []).append(node.value)
            elif isinstance(node, ast.withitem) and isinstance(node.optional_vars, ast.Name):
                self.assigned.setdefault(node.optional_vars.id, []).append(node.context_expr)
            elif isinstance(node, ast.NamedExpr):
                self.assigned.setdefault(node.target.id, []).append(node.value)
        self.scope = Scope(self._name, self._attribute, self._call)

    def source_run_by(self, call: ast.Call, arguments: dict[str, ast.expr], name: str) -> ScriptSource | None:
        """Return the source that a call of exec or eval runs, None for a plain expression. Raises UnknownValueError.

        `arguments` are those of the function around the call.
        """
        self.arguments, self.line = arguments, MAX_LINE
        value = evaluate(call.args[0], self.scope)
        if isinstance(value, bytes | bytearray):
            value = decoded(bytes(value), name)
        if not isinstance(value, str):
            raise UnknownValueError("not a text")
        short_expression = dotted(call.func, self.aliases).endswith("eval") and len(value) < 200
        return None if short_expression else source_of(value, name, f"{self.path}, {name.rpartition(', ')[2]}")

    def carried(self) -> list[ScriptSource]:
        """Return the Python files in the archives that a source decodes, or that are appended to the script's file."""
        values = [self._value(node) for node in ast.walk(self.source.tree) if isinstance(node, ast.Call) and self._opens(node)]
        if self.source.name == self.path.name:
            values.append(self.path.read_bytes())
        found = []
        for name, text in {name: text for value in values for name, text in members_of(value).items()}.items():
            try:
                found.append(source_of(text, f"{self.path.name}, {name}", f"{self.path}, {name}"))
            except InputError:
                continue
        return found

    def unread_archives(self) -> list[ast.Call]:
        """Return the calls that import from an archive which could not be read."""
        calls = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Call) and node.args]
        imported = [call for call in calls if dotted(call.func, self.aliases).endswith("zipimporter")]
        return [call for call in imported if not members_of(self._value(call))]

    def _opens(self, call: ast.Call) -> bool:
        name = dotted(call.func, self.aliases)
        return bool(call.args) and (name in DECODERS or name.endswith(ARCHIVE_READERS))

    def _value(self, call: ast.Call) -> object:
        """Return what a call decodes, or the archive that it opens; None if that is not known before it runs."""
        opens_file = dotted(call.func, self.aliases).endswith(ARCHIVE_READERS)
        self.arguments, self.line = {}, MAX_LINE
        try:
            value = evaluate(call.args[0] if opens_file else call, self.scope)
            return self._file(value) if opens_file and isinstance(value, str) else value
        except (UnknownValueError, *DECODING_ERRORS, InputError):
            return None

    def _name(self, name: str) -> object:
        """Return the value of a name by the last assignment above the one that is being evaluated."""
        if name == "__file__":
            return str(self.path)
        if name in self.arguments:
            return evaluate(self.arguments[name], self.scope)
        values = self.assigned.get(name, [])
        earlier = [value for value in values if value.lineno < self.line]
        if not earlier or len(values) > MAX_ASSIGNMENTS:
            raise UnknownValueError
        before, self.line = self.line, max(value.lineno for value in earlier)
        try:
            return evaluate(max(earlier, key=lambda value: value.lineno), self.scope)
        finally:
            self.line = before

    def _attribute(self, node: ast.Attribute) -> object:
        known = CONSTANTS.get(dotted(node, self.aliases))
        if known is None:
            raise UnknownValueError
        return known

    def _call(self, call: ast.Call) -> object:
        name = dotted(call.func, self.aliases)
        if name in ("compile", "builtins.compile", "memoryview", "io.BytesIO", "pathlib.Path", "os.path.abspath", "os.path.dirname"):
            return evaluate(call.args[0], self.scope)
        if name == "os.path.join":
            return evaluate(call.args[-1], self.scope)  # files are looked for in one folder only
        if name in ("open", "builtins.open"):
            return self._file(evaluate(call.args[0], self.scope))
        arguments = [evaluate(argument, self.scope) for argument in call.args]
        options = {item.arg: evaluate(item.value, self.scope) for item in call.keywords if item.arg}
        if name.endswith("zstandard.ZstdDecompressor.decompress") or name.endswith("zstd.ZstdDecompressor.decompress"):
            return DECODERS["zstandard.decompress"](arguments[0])
        if name in DECODERS:
            return DECODERS[name](*arguments, **options)
        if name in SAFE_CALLS and not (isinstance(arguments[0], int) and name.startswith("byte")):
            return SAFE_CALLS[name](*arguments)
        return self._method(call, arguments)

    def _method(self, call: ast.Call, arguments: list[object]) -> object:
        """Return the result of a method of a string, or of reading a file."""
        if not isinstance(call.func, ast.Attribute):
            raise UnknownValueError
        method = call.func.attr
        owner = evaluate(call.func.value, self.scope)
        if method in ("read", "read_bytes", "read_text", "getvalue"):
            value = owner if isinstance(owner, bytes) else self._file(owner)
            return value.decode("utf-8") if method == "read_text" else value
        if method == "replace" and len(str(owner)) * max(len(str(arguments[1])), 1) > 64 * MAX_DECODED_BYTES:
            raise UnknownValueError
        if method not in SAFE_METHODS or not isinstance(owner, str | bytes | bytearray):
            raise UnknownValueError
        return getattr(owner, method)(*arguments)

    def _file(self, name: object) -> bytes:
        """Return the content of the script itself, or of a file beside it."""
        if not isinstance(name, str):
            raise UnknownValueError
        path = self.path.parent / Path(name).name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_DECODED_BYTES:
            raise UnknownValueError(f"reads {Path(name).name}")
        if path != self.path and path not in self.files:
            self.files.append(path)
        return path.read_bytes()
