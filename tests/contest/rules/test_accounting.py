"""Bytes, windows and the cap."""

from pathlib import Path

import pytest

from support.contest_scripts import expected, found, reviewed, script

TABLE = """
def build_tables(sp, base_bytes, has_leading_space):
    for i in range(sp.vocab_size()):
        {byte}
        piece = sp.id_to_piece(i)
        if piece.startswith("\u2581"):
            has_leading_space[i] = True
            base_bytes[i] = len(piece[1:].encode("utf-8")){one}
        else:
            base_bytes[i] = len(piece.encode("utf-8")){mark}

def count(base_bytes, has_leading_space, y):
    total = base_bytes[y]
    total += has_leading_space[y]
    return total
"""
USE = "build_tables(None, [], [])\n    count([], [], 0)"
FALLBACK = "if sp.is_byte(i):\n            base_bytes[i] = 1\n            continue"
CASES = {
    "as it should be": script(TABLE.format(byte=FALLBACK, one="", mark=""), before=USE),
    "space counted twice": script(TABLE.format(byte=FALLBACK, one=" + 1  # flags: byte-count", mark=""), before=USE),
    "byte pieces spelled": script(
        TABLE.format(byte="pass", one="", mark="").replace(
            'len(piece[1:].encode("utf-8"))', 'len(piece[1:].encode("utf-8"))  # flags: byte-count'
        ),
        before=USE,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_tables_of_bytes(tmp_path: Path, name: str) -> None:
    assert found(reviewed(tmp_path, CASES[name])) == expected(CASES[name])


def test_defects_do_not_flag(tmp_path: Path) -> None:
    code = "\ndef windows(n):\n    return [w for w in range(0, n, 64) if min(w + 1024, n) - w >= 1]\n\nSIZE_LIMIT = 16 * 1024 * 1024\n"
    review = reviewed(tmp_path, script(code, after="windows(5)"))
    assert review.verdict == "clean" and {item.rule for item in review.findings if item.weight == "defect"} == {"coverage", "size"}
