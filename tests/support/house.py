"""The rooms of `src/bytegolf` in their one order, and the places in README and CONTRIBUTING that list them.

cd tests && python -m support.house     # write those places anew
"""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "bytegolf"
BEGIN, END = "<!-- rooms, written by `make docs` -->", "<!-- end of rooms -->"


def project() -> dict[str, dict[str, object]]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def rooms() -> list[str]:
    """Return the rooms in their order, those that need no other first, as import-linter is told them."""
    linter = project()["tool"]["importlinter"]
    assert isinstance(linter, dict)
    layers = next(contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers")
    return [str(layer).removeprefix("bytegolf.") for layer in reversed(layers)]


def present() -> set[str]:
    """Return the modules and folders of Python that stand on the package's top level."""
    files = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    return files | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def file_of(room: str) -> Path:
    """Return the file whose docstring says what a room is for."""
    folder = PACKAGE / room / "__init__.py"
    return folder if folder.exists() else PACKAGE / f"{room}.py"


def purpose(room: str) -> str:
    """Return the first sentence of a room's docstring, without its full stop."""
    docstring = ast.get_docstring(ast.parse(file_of(room).read_text()))
    assert docstring, f"{room} has no docstring"
    return docstring.splitlines()[0].split(". ")[0].removesuffix(".")


def tree() -> str:
    """Return the rooms as a tree with a line each, for README."""
    names = {room: f"{room}/" if file_of(room).name == "__init__.py" else f"{room}.py" for room in rooms()}
    width = max(map(len, names.values())) + 2
    return "\n".join(["    src/bytegolf/", *(f"      {name:<{width}}{purpose(room)}" for room, name in names.items())])


def order() -> str:
    """Return the rooms as a chain in several lines, for CONTRIBUTING."""
    lines = [""]
    for room in rooms():
        step = room if not lines[-1] else f" -> {room}"
        if len(lines[-1] + step) > 90:
            lines.append("")
            step = f"-> {room}"
        lines[-1] += step
    return "\n".join(f"    {line}" for line in lines)


def with_rooms(page: str, rendered: str) -> str:
    """Return a page with what stands between its two marks replaced."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{rendered}\n\n{END}{after}"


def pages() -> dict[Path, str]:
    """Return README and CONTRIBUTING as they have to be."""
    rendered = {ROOT / "README.md": tree(), ROOT / "CONTRIBUTING.md": order()}
    return {page: with_rooms(page.read_text(), text) for page, text in rendered.items()}


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text)
