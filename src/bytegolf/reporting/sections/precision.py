"""What rounding did to each parameter."""

from collections.abc import Sequence
from typing import NamedTuple

from bytegolf.reporting.axis import axis_of
from bytegolf.reporting.groups import RunGroup, coloured
from bytegolf.reporting.markup import Markup, data_table, legend, section, tag
from bytegolf.reporting.row_chart import ChartRow, Dot, draw_rows
from bytegolf.reporting.wording import count, listed, plain
from bytegolf.storage.run_records import TensorRecord

MOST_RUNS = 4  # that are drawn, one of each configuration


class Rounded(NamedTuple):
    """A packed run: its name and colour, and how far packing moved its parameters."""

    run: str
    colour: int
    tensors: dict[str, TensorRecord]

    def error(self, name: str) -> float:
        """Return the relative error of a parameter in per cent; 0 of one that it does not have, or whose weights are all 0."""
        tensor = self.tensors.get(name)
        return 100 * tensor.error / tensor.rms if tensor and tensor.rms else 0.0


def precision_section(groups: Sequence[RunGroup]) -> Markup:
    """Return the relative error of each parameter after packing, or nothing if no run keeps them."""
    known = [Rounded(run.name, colour, run.pack.tensors) for run, colour in coloured(groups) if run.pack and run.pack.tensors]
    if not known:
        return Markup()
    first_of_each = {one.colour: one for one in reversed(known)}
    shown = [first_of_each[colour] for colour in sorted(first_of_each)][:MOST_RUNS]
    largest = {name: max(one.error(name) for one in shown) for one in shown for name in one.tensors}
    exact = [name for name, error in largest.items() if error == 0]
    rows = [_row(name, shown) for name in sorted(largest, key=lambda name: -largest[name]) if largest[name]]
    lead = "What packing changed, as a share of the weights; both are root mean squares. Faint dots are a bank's matrices, one a layer."
    lead += f" Not changed: {listed(exact)}." if exact else ""
    lead += f" {len(shown)} of {len(known)} runs are drawn; the table has all." if len(known) > len(shown) else ""
    keys = legend([(one.run, f"key dots c{one.colour}") for one in shown] if len(shown) > 1 else [])
    axis = axis_of([dot.value for row in rows for dot in row.dots], log=True)
    chart = draw_rows(rows, axis, "relative error, per cent") if rows else ""
    head = ["run", "parameter", "weights", "root mean square", "error", "relative"]
    return section(
        "precision", "What rounding changed", tag("p", lead), keys, chart, data_table(head, [row for one in known for row in _cells(one)])
    )


def _row(name: str, runs: Sequence[Rounded]) -> ChartRow:
    dots = []
    for one in runs:
        if not (error := one.error(name)):
            continue
        tensor = one.tensors[name]
        matrices = tensor.matrices if len(tensor.matrices) > 1 else []
        parts = [(number, 100 * moved / tensor.rms) for number, moved in enumerate(matrices) if moved]
        dots += [Dot(part, f"{one.run}, {name}, matrix {number}: {plain(part, 2)} %", one.colour, faint=True) for number, part in parts]
        dots.append(Dot(error, f"{one.run}, {name}: {plain(error, 2)} %", one.colour))
    return ChartRow(name, f"{plain(max(one.error(name) for one in runs), 2)} %", dots=dots)


def _cells(one: Rounded) -> list[list[str]]:
    """Return a line for each parameter, the one that was moved most first."""
    return [
        [one.run, name, count(tensor.weights), plain(tensor.rms), plain(tensor.error), f"{plain(one.error(name), 2)} %"]
        for name, tensor in sorted(one.tensors.items(), key=lambda item: -one.error(item[0]))
    ]
