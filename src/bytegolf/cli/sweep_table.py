"""A sweep as text for a terminal."""

from bytegolf.cli.table_layout import columns_table
from bytegolf.contest.compare import CONFIDENCE
from bytegolf.experiments.results import ConfigurationResult, SweepResult


def sweep_table(result: SweepResult) -> str:
    """Return a row for each configuration, its mean and its change from the one compared with, and a line for each cell that failed."""
    packed = any(row.mean_bytes is not None for row in result.configurations)
    columns = ("configuration", "n", "bpb", "±", *(("bytes",) if packed else ()), "change", "±", "p", "better")
    table = columns_table(columns, [_row(row, packed) for row in result.configurations])
    notes = [
        f"{result.finished} of {len(result.cells)} cells finished; {result.figure}",
        f"changes are from the {_compared_with(result)}, ± is half of the {CONFIDENCE:.0%} interval",
    ]
    notes += [f"failed: {cell.name}: {cell.error}" for cell in result.cells if cell.state == "failed"]
    return "\n".join([table, *notes])


def _compared_with(result: SweepResult) -> str:
    names = [row.name for row in result.configurations]
    return "row above" if len(names) > 2 and result.configurations[2].compared_with == names[1] else "first"


def _row(row: ConfigurationResult, packed: bool) -> tuple[str, ...]:
    compared = row.comparison
    return (
        row.name,
        str(len(row.bpb)),
        "" if row.mean_bpb is None else f"{row.mean_bpb:.5f}",
        _half(row.interval_bpb),
        *(("" if row.mean_bytes is None else f"{row.mean_bytes:,.0f}",) if packed else ()),
        "" if row.difference_bpb is None else f"{row.difference_bpb:+.5f}",
        _half(compared.interval_bpb) if compared else "",
        f"{compared.verdict.p_value:.3g}" if compared else "",
        "" if row.difference_bpb is None else "yes" if compared and compared.significant else "no",
    )


def _half(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{(bounds[1] - bounds[0]) / 2:.5f}"
