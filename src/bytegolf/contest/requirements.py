"""The packages that a script's sources import, as `requirements.txt` names them."""

import ast
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions, version


def requirements(sources: Mapping[str, str]) -> str:
    """Return a line for each package outside the standard library that the sources import, in the version installed here.

    What is not installed was not used here and is left out.
    """
    own = {path.partition("/")[0] for path in sources} | sys.stdlib_module_names
    provided = packages_distributions()
    names = {name for source in sources.values() for name in _imported(source) if name not in own}
    found = {distribution for name in names for distribution in provided.get(name, [])[:1]}
    return "".join(f"{name}=={version(name).partition('+')[0]}\n" for name in sorted(found, key=str.lower))


def _imported(source: str) -> set[str]:
    """Return the packages that a source imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
