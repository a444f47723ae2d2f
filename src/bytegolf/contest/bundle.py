"""A program of this package as one script that needs nothing of the package: `train_gpt.py`.

The sources that the program needs are compressed by PPMd, which makes them a sixth smaller than LZMA, and stand in the script
as a string of characters 0 to 255. In latin-1 that is a byte each; base85 would take a quarter more.
"""

import re
import textwrap
from pathlib import Path
from string import Template
from typing import NamedTuple

from bytegolf.contest.needed_code import needed_code

PACKAGE = Path(__file__).parents[1]
ORDERS, MEMORY = range(16, 5, -1), 16 << 20  # of PPMd
STUB = Template(
    textwrap.dedent(
        """\
        # coding: latin-1
        # Sources of bytegolf, packed: `python $name --show FOLDER` writes them where they can be read.
        import os, sys, tempfile
        import pyppmd

        ARCHIVE = '''$archive'''
        $settings

        def unpack(folder):
            text = pyppmd.decompress(ARCHIVE.encode('latin-1'), max_order=$max_order, mem_size=$memory).decode()
            parts = text.split('\\0')
            for name, text in zip(parts[::2], parts[1::2]):
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w', encoding='utf-8') as file:
                    file.write(text)

        if __name__ == '__main__':
            with tempfile.TemporaryDirectory() as folder:
                unpack(folder)
                sys.path.insert(0, folder)
                from $module import $function
                $function(code_bytes=os.path.getsize(__file__), **SETTINGS)
        """
    )
)


class Entry(NamedTuple):
    """The function of a module in this package that a script calls."""

    module: str
    function: str


def bundle(entry: Entry, settings: dict[str, object], name: str = "train_gpt.py") -> bytes:
    """Return the script that calls `entry` with plain values `settings`, and with `code_bytes`, its own size.

    The same sources and settings give the same bytes.
    """
    archive, order = packed("\0".join(part for item in carried_sources(entry).items() for part in item).encode())
    text = STUB.substitute(
        name=name,
        archive=literal(archive),
        settings=f"SETTINGS = {settings!a}",
        max_order=order,
        memory=MEMORY,
        module=entry.module,
        function=entry.function,
    )
    return text.encode("latin-1")


def packed(plain: bytes) -> tuple[bytes, int]:
    """Return bytes compressed by PPMd, and the order of its model: the highest, whose file is the smallest, that is decoded again.

    pyppmd 1.3 makes what it cannot decode for some texts at some orders.
    """
    import pyppmd  # which not every installation can have, and no other step needs

    made = ((pyppmd.compress(plain, max_order=order, mem_size=MEMORY), order) for order in ORDERS)
    return next((data, order) for data, order in made if _decodes(data, order, plain))


def _decodes(data: bytes, order: int, plain: bytes) -> bool:
    import pyppmd

    try:
        return bool(pyppmd.decompress(data, max_order=order, mem_size=MEMORY) == plain)
    except ValueError:
        return False


def carried_sources(entry: Entry) -> dict[str, str]:
    """Return the sources that a script carries, by path."""
    return needed_code(PACKAGE, *entry)


def literal(data: bytes) -> str:
    """Return the inside of a string in three single quotes whose characters are the bytes `data`; few of them need two bytes."""
    escaped = data.decode("latin-1").translate({13: "\\r", 92: "\\\\"})
    escaped = re.sub(r"\0(?![0-7])", r"\\0", escaped).replace("\0", "\\x00")  # a digit would belong to it
    return re.sub(r"'(?='|\Z)", r"\\'", escaped)
