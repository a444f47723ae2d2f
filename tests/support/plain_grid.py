"""The second decoder's part for weights on grids: plain Python, written from docs/artifact.md."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from support.plain_coders import Matrix, decode_section, half
from support.plain_decoder import GROUPS, Parameter, PlainFile, elements, integers_digest, read_file

Halves = list[list[float]]


@dataclass(frozen=True)
class PlainGrid:
    """By parameter, the matrices that are not kept: `integers`, `spacings` of each or `row_spacings` of each row; `kept` by place."""

    file: PlainFile
    integers: dict[str, list[Matrix]]
    spacings: dict[str, list[float]]
    row_spacings: dict[str, list[list[float]]]
    kept: dict[str, dict[int, Halves]]
    controls: dict[str, list[float]]

    def values(self, name: str) -> list[Halves]:
        """The parameter's matrices, kept or not."""
        integers, kept = iter(self.integers[name]), self.kept[name]
        rows, spacings = iter(self.row_spacings.get(name, [])), iter(self.spacings.get(name, []))
        matrices = []
        for place in range(len(self.integers[name]) + len(kept)):
            if place in kept:
                matrices.append(kept[place])
                continue
            matrix = next(integers)
            by_row = next(rows) if name in self.row_spacings else [next(spacings)] * len(matrix)
            matrices.append([[value * spacing for value in row] for row, spacing in zip(matrix, by_row, strict=True)])
        return matrices


def decode_file(data: bytes) -> PlainGrid:
    file = read_file(data)
    storage = file.header["weights"]
    assert storage["kind"] == "grid"
    rows, kept_places = storage.get("rows", []), storage.get("kept", {})
    weights = [parameter for parameter in file.parameters if parameter.group != "control"]
    coded = {p.name: [place for place in range(p.stack[0]) if place not in kept_places.get(p.name, [])] for p in weights}
    by_row = [parameter for parameter in weights if parameter.name in rows and coded[parameter.name]]
    assert rows == [parameter.name for parameter in weights if parameter.name in rows]
    shapes = {group: [p.stack[1:] for p in weights if p.group == group for _ in coded[p.name]] for group in GROUPS}
    shapes["row_spacings"] = [(len(coded[p.name]), p.stack[1]) for p in by_row]
    shapes["kept"] = [p.stack[1:] for p in weights for _ in kept_places.get(p.name, [])]
    matrices = {name: decode_section(file.coder, file.sections.get(name, b""), shapes[name]) for name in shapes}
    assert file.checksum == integers_digest([matrix for found in matrices.values() for matrix in found])
    streams = {name: iter(found) for name, found in matrices.items()}
    spacings = floats(file.sections["spacings"], "f")
    return PlainGrid(
        file,
        integers={p.name: [next(streams[p.group]) for _ in coded[p.name]] for p in weights},
        spacings={p.name: [next(spacings) for _ in coded[p.name]] for p in weights if p.name not in rows} | at_end(spacings),
        row_spacings={p.name: halves(next(streams["row_spacings"])) for p in by_row},
        kept={p.name: {place: halves(next(streams["kept"])) for place in kept_places.get(p.name, [])} for p in weights},
        controls=decode_controls(file.sections["controls"], file.parameters),
    )


def decode_controls(section: bytes, parameters: list[Parameter]) -> dict[str, list[float]]:
    values = floats(section, "e")
    controls = {p.name: [next(values) for _ in range(elements(p))] for p in parameters if p.group == "control"}
    return controls | at_end(values)


def floats(section: bytes, kind: str) -> Iterator[float]:
    return iter(struct.unpack(f"<{len(section) // struct.calcsize(kind)}{kind}", section))


def at_end(values: Iterator[float]) -> dict[str, list[float]]:
    """Nothing, once all values are taken."""
    assert not [*values]
    return {}


def halves(matrix: Matrix) -> Halves:
    return [[half(value) for value in row] for row in matrix]
