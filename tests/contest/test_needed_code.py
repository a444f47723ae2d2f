"""The part of a package that a function needs."""

from pathlib import Path

import pytest

from bytegolf.contest.needed_code import needed_code

FILES = {
    "__init__.py": "from package.rooms.large import unneeded\n",
    "rooms/__init__.py": "from package.rooms.small import helper as shared\n",
    "rooms/small.py": (
        "import math, json\nTABLE = [1]\nTABLE += [2]\ndef helper():\n    return math.pi, TABLE\ndef other():\n    return json\n"
    ),
    "rooms/large.py": "from package.rooms import small\ndef unneeded():\n    return small\n",
    "names.py": "def inner():\n    return base\ndef base():\n    return inner\nclass Kind:\n    pass\n",
    "entry.py": (
        "import package.names\nfrom package.rooms import shared\nfrom package.names import base as renamed, Kind\n"
        "def main():\n    from package.late import only\n    return shared(), renamed(), only\ndef spare():\n    return Kind, main\n"
    ),
    "late.py": "only = 1\nspare = 2\n",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "package"


def test_definitions_that_are_reached_and_no_others(package: Path) -> None:
    found = needed_code(package, "package.entry", "main")
    assert list(found) == sorted(found)
    assert set(found) == {f"package/{name}" for name in FILES} - {"package/rooms/large.py"}
    assert found["package/__init__.py"] == "", "whoever imports from there is outside the package"
    assert found["package/rooms/small.py"].splitlines() == [
        "import math", "TABLE = [1]", "TABLE += [2]", "def helper():", "    return (math.pi, TABLE)",
    ]  # fmt: skip
    assert "Kind" not in found["package/entry.py"] + found["package/names.py"] and "def inner" in found["package/names.py"]
    assert found["package/late.py"] == "only = 1", "an import in a function counts"


def test_a_module_that_is_used_as_one_is_needed_whole(package: Path) -> None:
    found = needed_code(package, "package.rooms.large", "unneeded")
    assert "def other" in found["package/rooms/small.py"] and "import math, json" in found["package/rooms/small.py"]
