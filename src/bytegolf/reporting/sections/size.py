"""Where every byte goes."""

from collections.abc import Sequence

from bytegolf.reporting.markup import Markup, data_table, join, section, tag
from bytegolf.reporting.run_report import RunReport
from bytegolf.reporting.treemap import Area, draw_treemap
from bytegolf.reporting.wording import UNKNOWN, count, share
from bytegolf.storage.run_records import PackRecord

MOST_MAPS = 2  # of as many artifacts; of more only the best one's is drawn
CLASSES = {"mlp": 0, "attention": 1, "embedding": 2, "table": 4, "projection": 5, "tokenizer": 3}
OVERHEAD = 7  # the colour of all else


def size_section(runs: Sequence[RunReport]) -> Markup:
    """Return a map of each artifact's bytes, or nothing if no run is packed."""
    packed = [(run, run.pack) for run in runs if run.pack]
    if not packed:
        return Markup()
    best = min(packed, key=lambda one: one[0].best.bpb if one[0].best else 0.0)
    shown = packed if len(packed) <= MOST_MAPS else [best]
    lead = "The area of each part is its bytes. Weights are grouped by class, with the bits that each came to."
    if len(packed) > MOST_MAPS:
        lead += f" The best of {len(packed)} artifacts is drawn; the table has all."
    maps = [join([tag("h3", run.name) if len(packed) > 1 else "", draw_treemap(_areas(pack))]) for run, pack in shown]
    rows = [row for run, pack in packed for row in _rows(run, pack)]
    return section(
        "bytes", "Where every byte goes", tag("p", lead), *maps, data_table(["run", "part", "bytes", "share", "bits a weight"], rows)
    )


def _areas(pack: PackRecord) -> list[Area]:
    areas = []
    for name, size in pack.sections.items():
        bits = f", {pack.bits[name]:.2f} bits a weight" if name in pack.bits else ""
        areas.append(Area(size, name, f"{size:,} bytes, {share(size / pack.bytes)}{bits}", CLASSES.get(name, OVERHEAD)))
    return [*areas, Area(max(0, pack.budget - pack.bytes), "unused", f"{pack.budget - pack.bytes:,} bytes of the budget", None)]


def _rows(run: RunReport, pack: PackRecord) -> list[list[str]]:
    rows = [
        [run.name, part, count(size), share(size / pack.bytes), f"{pack.bits[part]:.2f}" if part in pack.bits else UNKNOWN]
        for part, size in sorted(pack.sections.items(), key=lambda item: -item[1])
    ]
    rows.append([run.name, "in all", count(pack.bytes), share(1.0), f"{pack.bits_per_weight:.2f}"])
    return [*rows, [run.name, "unused", count(pack.budget - pack.bytes), UNKNOWN, UNKNOWN]]
