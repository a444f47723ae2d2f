"""Modules taken apart: what they bind, and what only readers need."""

import ast
from pathlib import Path

from bytegolf.contest.module_parts import ImportedName, ModuleParts, names_used

MODULE = '''
"""About this module."""
import os.path as places
import json.decoder
from a.b import c, d as e
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a import unseen

LIMIT: int = 3
first, second = 1, 2
print("loaded")


class Held(Base):
    """A class."""

    value: "Other" = Field(1, ge=0, description="what it is")

    @property
    def twice(self) -> int:
        """Return it."""
        many: list[int] = [self.value]
        return many[0] * 2


class Plain:
    size: "Other" = 3


class Sized(Protocol):
    def size(self) -> int:
        """Return it."""

    def double(self) -> int:
        return 2 * self.size()


@operator
def added(x: int, *others: int, **named: int) -> int:
    """Only words."""
'''


def parts(tmp_path: Path) -> ModuleParts:
    (tmp_path / "module.py").write_text(MODULE)
    return ModuleParts(tmp_path / "module.py")


def test_what_a_module_binds(tmp_path: Path) -> None:
    found = parts(tmp_path)
    assert set(found.definitions) == {"LIMIT", "first", "second", "Held", "Plain", "Sized", "added"}
    assert found.imports["e"] == ImportedName("a.b", "d") and found.imports["places"] == ImportedName("os.path", None)
    assert found.imports["json"] == ImportedName("json.decoder", None) and "unseen" not in found.imports
    assert [ast.unparse(statement) for statement in found.unnamed] == ["print('loaded')"]


def test_what_only_readers_need_is_gone(tmp_path: Path) -> None:
    text = "\n".join(map(ast.unparse, parts(tmp_path).statements))
    assert "LIMIT = 3" in text and "many = [self.value]" in text and "def twice(self):" in text
    assert not any(words in text for words in ("About", "A class", "Return it", "Only words", "what it is"))
    assert "value: 'Other' = Field(1, ge=0)" in text, "fields keep their annotations"
    assert "class Plain:\n    size = 3" in text, "nothing is made of an annotation"
    assert "class Sized(Protocol):\n\n    def double(self):" in text, "what is only declared is documentation"
    assert "def added(x: int, *others: int, **named: int) -> int:\n    pass" in text, "an unknown decorator may read them"


def test_forward_references_are_uses(tmp_path: Path) -> None:
    assert {"Other", "Field", "property"} <= names_used(parts(tmp_path).definitions["Held"][0])
