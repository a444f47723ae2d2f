"""Figures about runs: losses over steps, bytes of artifacts, scores."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from bytegolf.reporting.run_report import RunReport
from bytegolf.scoring.compressors import CompressorScore

OWN_COLOUR, OTHER_COLOUR = "#4c6ef5", "#adb5bd"
COLOURS = ("#4c6ef5", "#f76707", "#2f9e44", "#e64980", "#7048e8", "#1098ad", "#f59f00", "#868e96")  # of runs, by turns
LEGIBLE_SHARE = 0.08  # of the longest bar: a shorter part has its name in the legend alone


def curves(runs: Sequence[RunReport]) -> go.Figure:
    """Return training losses and validations over steps, both in bits per byte, with a line where late QAT began.

    A training loss is converted by the bytes of the run's mean training token. Where they are not known it stays in nats per token,
    on an axis of its own at the right.
    """
    figure = go.Figure()
    for number, run in enumerate(runs):
        steps = [event for event in run.events if event["event"] == "step"]
        checks = [event for event in run.events if event["event"] == "validate"]
        bytes_per_token, colour = run.manifest.get("bytes_per_token"), COLOURS[number % len(COLOURS)]
        factor = 1 / (math.log(2) * bytes_per_token) if bytes_per_token else 1.0
        figure.add_scatter(
            x=[event["step"] for event in steps],
            y=[event["loss"] * factor for event in steps],
            name=f"{run.name}: training loss" + ("" if bytes_per_token else ", nats per token"),
            line={"color": colour, "width": 1},
            yaxis="y" if bytes_per_token else "y2",
        )
        figure.add_scatter(
            x=[event["step"] for event in checks],
            y=[event["bpb"] for event in checks],
            name=f"{run.name}: held out",
            mode="lines+markers",
            line={"color": colour, "width": 3},
        )
        for event in run.events:
            if event["event"] == "qat":
                figure.add_vline(x=event["step"], line_dash="dot", annotation_text="quantisation-aware")
    figure.update_layout(xaxis_title="step", yaxis_title="bits per byte (training loss by the bytes of a mean token)")
    if any(trace.yaxis == "y2" for trace in figure.data):
        figure.update_layout(yaxis2={"title": "nats per token", "overlaying": "y", "side": "right", "showgrid": False})
    return _readable(figure)


def parts(runs: Sequence[RunReport]) -> go.Figure:
    """Return the bytes of each artifact's sections as one stacked bar per run that is packed."""
    packs = {run.name: run.pack for run in runs if run.pack}
    longest = max((sum(pack["sections"].values()) for pack in packs.values()), default=0)
    figure = go.Figure()
    for section in dict.fromkeys(section for pack in packs.values() for section in pack["sections"]):
        sizes = [pack["sections"].get(section, 0) for pack in packs.values()]
        figure.add_bar(
            y=list(packs),
            x=sizes,
            name=section,
            orientation="h",
            text=[section if size >= LEGIBLE_SHARE * longest else "" for size in sizes],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
        )
    figure.update_layout(barmode="stack", xaxis_title="bytes", height=220 + 60 * len(packs))
    return _readable(figure)


def score_bars(runs: Sequence[RunReport], compressors: Sequence[CompressorScore]) -> go.Figure:
    """Return every score on file beside those of general-purpose compressors on the same text, the best on top."""
    rows = [(score["bpb"], f"{run.name}, {score['of']}: {score['protocol']}", OWN_COLOUR) for run in runs for score in run.scores]
    rows += [(result.alone, f"{result.name} alone", OTHER_COLOUR) for result in compressors]
    rows += [(result.primed, f"{result.name} after the training text", OTHER_COLOUR) for result in compressors]
    figure = go.Figure()
    for bpb, name, colour in sorted(rows, reverse=True):
        figure.add_bar(y=[name], x=[bpb], orientation="h", text=f"{bpb:.4f}", marker_color=colour, showlegend=False)
    figure.update_layout(xaxis_title="bits per byte, lower is better", height=160 + 32 * len(rows))
    return _readable(figure)


def _readable(figure: go.Figure) -> go.Figure:
    """Return the figure in the page's style, with margins that no label is cut off at and the legend above."""
    legend = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "traceorder": "normal"}
    figure.update_layout(template="plotly_white", margin={"t": 20, "b": 40, "l": 20, "r": 20}, legend=legend)
    return figure.update_xaxes(automargin=True).update_yaxes(automargin=True)
