"""One self-contained HTML page about runs: figures, loss curves, bytes by tensor group, scores."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bytegolf.reporting.run_report import RunReport
from bytegolf.scoring.compressors import CompressorScore
from bytegolf.storage.files import write_atomically

if TYPE_CHECKING:
    import plotly.graph_objects as go

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem 1.5rem .25rem 0; border-bottom: 1px solid #d8dee4; }
td { font-variant-numeric: tabular-nums; } footer { margin-top: 3rem; color: #57606a; font-size: .85rem; }
"""


def write_report(out: Path, runs: Sequence[RunReport], compressors: Sequence[CompressorScore] = ()) -> None:
    """Write the page to `out`, with plotly's scripts inside (5 MB), so that it opens without a network."""
    from plotly.offline import get_plotlyjs  # plotly is slow to load, and only pages need it

    from bytegolf.reporting.figures import curves, parts, score_bars

    figures = {
        "Training": curves(runs),
        "Where every byte goes": parts(runs),
        "Bits per byte of the held-out text": score_bars(runs, compressors),
    }
    title = "bytegolf: " + ", ".join(escape(run.name) for run in runs)
    sections = "".join(f"<h2>{heading}</h2>{_embed(figure, heading)}" for heading, figure in figures.items() if figure.data)
    sections += "".join(_byte_table(run.name, run.pack) for run in runs if run.pack)
    write_atomically(
        out,
        (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
            f"<script>{get_plotlyjs()}</script></head><body><h1>{title}</h1>{_summary(runs)}{sections}{_footer(runs)}</body></html>"
        ),
    )


def _summary(runs: Sequence[RunReport]) -> str:
    """Return the table of figures, with a column for each run."""
    rows = {
        "recipe": [run.manifest["recipe"] for run in runs],
        "parameters": [f"{run.manifest['parameters']:,}" for run in runs],
        "steps": [f"{run.manifest['steps']:,}" for run in runs],
        "training": [_number(run.manifest["seconds"], ",.0f", " s") for run in runs],
        "tokens per second": [_number(run.manifest["tokens_per_second"], ",.0f") for run in runs],
        "held out, standard": [_number(run.manifest["val_bpb"], ".4f", " bpb") for run in runs],
        "packed by": [f"{run.pack['method']}, {run.pack['coder']}" if run.pack else "–" for run in runs],
        "artifact": [f"{run.pack['bytes']:,} bytes of {run.pack['budget']:,}" if run.pack else "not packed" for run in runs],
        "before packing": [_bpb(run.pack, "bpb_before") for run in runs],
        "after packing": [_bpb(run.pack, "bpb_after") for run in runs],
        "with experts": [_bpb(run.pack, "bpb_experts") for run in runs],
    }
    head = "".join(f"<th>{escape(run.name)}</th>" for run in runs)
    body = "".join(f"<tr><th>{name}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>" for name, cells in rows.items())
    return f"<table><tr><th></th>{head}</tr>{body}</table>"


def _byte_table(name: str, pack: Mapping[str, Any]) -> str:
    """Return a table of an artifact's sections: bytes, share of the file, and bits a weight where it holds one class of weights."""
    bits, total = pack["bits"], pack["bytes"]
    rows = [
        (section, f"{size:,}", f"{size / total:.1%}", f"{bits[section]:.2f}" if section in bits else "")
        for section, size in sorted(pack["sections"].items(), key=lambda item: -item[1])
    ]
    rows += [("in all", f"{total:,}", "", f"{pack['bits_per_weight']:.2f}"), ("unused", f"{pack['budget'] - total:,}", "", "")]
    head = "".join(f"<th>{cell}</th>" for cell in (f"artifact of {escape(name)}", "bytes", "share", "bits a weight"))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>Bytes of {escape(name)}</h2><table><tr>{head}</tr>{body}</table>"


def _footer(runs: Sequence[RunReport]) -> str:
    """Return the versions and code that made the runs."""
    seen = {f"{key} {run.manifest[key]}" for run in runs for key in ("python", "torch", "platform", "code_sha256")}
    return f"<footer>{' · '.join(escape(text) for text in sorted(seen))}</footer>"


def _embed(figure: "go.Figure", heading: str) -> str:
    """Return a figure as HTML, without the script that the page already holds. The same figure gives the same bytes."""
    name = "-".join(heading.lower().split())
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False}, div_id=name))


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "unknown" if value is None else f"{value:{form}}{unit}"


def _bpb(pack: Mapping[str, Any] | None, key: str) -> str:
    return f"{pack[key]:.4f} bpb" if pack and pack[key] is not None else "not scored"
