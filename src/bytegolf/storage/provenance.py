"""Record what a result depends on besides its input: code, versions and machine."""

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path


def provenance() -> dict[str, str | int]:
    """Return what a result depends on besides its input: code, versions and machine."""
    package = Path(__file__).parents[1]
    code = hashlib.sha256()
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.toml"))):
        code.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    versions = {name: version(name) for name in ("torch", "numpy", "sentencepiece", "constriction")}
    return {
        "code_sha256": code.hexdigest(),
        "python": platform.python_version(),
        **versions,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cpus": os.cpu_count() or 1,
    }


def _processor() -> str:
    """Return the name of the CPU model, where the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
