"""Import a script in the sandbox, with stand-ins for what it misses, and see what it says of itself."""

import ast
import json
import shutil
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path

from bytegolf.contest.program import Program, read_program
from bytegolf.sandbox import Limits, run_python

LIMITS = Limits(seconds=120, memory_bytes=16 << 30, file_bytes=64 << 20)
MARK = "bytegolf-smoke:"
# Runs in the sandbox. A module that is missing becomes an empty one whose every name can be called and subscripted.
PROBE = textwrap.dedent(
    """
    import importlib.abc, importlib.machinery, json, sys, time, types

    class Anything(types.ModuleType):
        __path__ = []
        def __getattr__(self, name):
            if name.startswith("__") and name.endswith("__"):
                raise AttributeError(name)
            return Anything(name)
        def __call__(self, *given, **named):
            return given[0] if len(given) == 1 and callable(given[0]) else self
        def __getitem__(self, key):
            return self
        def __mro_entries__(self, bases):
            return (object,)

    class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
        missing = []
        def find_spec(self, name, path, target=None):
            if name.partition(".")[0] not in wanted or "." in name and name.partition(".")[0] not in self.missing:
                return None
            self.missing.append(name)
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        def create_module(self, spec):
            return Anything(spec.name)
        def exec_module(self, module):
            pass

    wanted = set(sys.argv[2].split(","))
    sys.path.insert(0, sys.argv[1].rpartition("/")[0])
    sys.meta_path.append(Finder())
    started = time.perf_counter()
    problem = ""
    space = {"__name__": "train_gpt", "__file__": sys.argv[1]}
    module = types.ModuleType("train_gpt")
    module.__file__ = sys.argv[1]
    sys.modules["train_gpt"] = module
    try:
        with open(sys.argv[1], "rb") as file:
            exec(compile(file.read(), sys.argv[1], "exec"), module.__dict__)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"[:300]
    settings = getattr(module, "Hyperparameters", None)
    known = vars(settings).items() if settings else ()
    told = {
        "seconds": time.perf_counter() - started,
        "problem": problem,
        "stand_ins": sorted({name.partition(".")[0] for name in Finder.missing}),
        "settings": {name: value for name, value in known if isinstance(value, (int, float, str)) and name[0] != "_"},
    }
    sys.__stdout__.write("\\nMARK" + json.dumps(told) + "\\n")
    """
).replace("MARK", MARK)


@dataclass(frozen=True)
class Smoke:
    """How the import of a script went. `problem` is empty if it went well."""

    seconds: float
    problem: str
    stand_ins: tuple[str, ...]  # modules that were missing
    settings: dict[str, object]  # what its Hyperparameters say


def smoke_test(script: Path) -> Smoke:
    """Import a script in the sandbox: no network, nothing to write to, limits on time and memory.

    Raises ParameterError if this system has no sandbox.
    """
    with tempfile.TemporaryDirectory(prefix="bytegolf-") as folder:
        copy = Path(folder) / "script"
        copy.mkdir()
        for file in script.parent.iterdir():
            if file.suffix == ".py" and file.is_file() and not file.is_symlink():
                shutil.copyfile(file, copy / file.name)
        probe = Path(folder) / "probe.py"
        probe.write_text(PROBE)
        wanted = ",".join(_packages(read_program(script)))
        outcome = run_python([str(probe), str(copy / script.name), wanted], readable=[Path(folder)], limits=LIMITS)
    told = [line for line in outcome.stdout.decode(errors="replace").splitlines() if line.startswith(MARK)]
    if outcome.timed_out or not told:
        why = f"still running after {LIMITS.seconds:.0f} s" if outcome.timed_out else f"ended with status {outcome.status}"
        return Smoke(LIMITS.seconds if outcome.timed_out else 0.0, why, (), {})
    try:
        answer = json.loads(told[-1].removeprefix(MARK))
        return Smoke(float(answer["seconds"]), str(answer["problem"]), tuple(map(str, answer["stand_ins"])), dict(answer["settings"]))
    except (ValueError, KeyError, TypeError):  # a script may print what it likes
        return Smoke(0.0, "printed something else than the facts", (), {})


def _packages(program: Program) -> list[str]:
    """Return the packages outside the standard library that a script imports by itself."""
    names: set[str] = set()
    for source in program.sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                names.update(item.name.partition(".")[0] for item in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return sorted(names - sys.stdlib_module_names - {helper.stem for helper in program.helpers})
