"""Where the tests stand that docs/baseline-defects.md names.

cd tests && python -m support.defects_page     # write the page's paths anew
"""

import ast
import re
from collections import defaultdict

from support.source_code import ROOT, files, tree_of

PAGE = ROOT / "docs" / "baseline-defects.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| ([A-F]\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)


def places() -> dict[str, list[str]]:
    """Return the files under tests/ that define each test function."""
    found = defaultdict(list)
    for path in files("tests"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[node.name].append(path.relative_to(ROOT / "tests").as_posix())
    return found


def with_places(page: str) -> str:
    """Return the page with every test under the path at which it stands today. Raises LookupError if it is at none, or at several."""
    known = places()

    def placed(match: re.Match[str]) -> str:
        path, name = match.groups()
        file = path.rpartition("/")[2]
        for candidates in ([path], [place for place in known[name] if place.rpartition("/")[2] == file], known[name]):
            if len(candidates) == 1 and candidates[0] in known[name]:
                return f"`{candidates[0]}::{name}`"
        raise LookupError(f"{path}::{name}: found in {known[name] or 'no file'}")

    return NAMED.sub(placed, page)


if __name__ == "__main__":
    PAGE.write_text(with_places(PAGE.read_text()))
