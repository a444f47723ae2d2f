"""The figures' data: what stands on which axis, and labels that can be read."""

import math
from typing import Any

import plotly.graph_objects as go
import pytest

from bytegolf.reporting.figures import curves, parts, score_bars
from bytegolf.reporting.run_report import RunReport
from bytegolf.scoring.compressors import CompressorScore

EVENTS = [
    {"event": "step", "step": 10, "loss": 4.0},
    {"event": "qat", "step": 15, "bits": {"mlp": 4.0}},
    {"event": "step", "step": 20, "loss": 2.0},
    {"event": "validate", "step": 20, "bpb": 1.26, "artifact_bytes": None},
]
PARTS = {"mlp": 600_000, "a section with a long name": 5_000, "attention": 0}


def run(name: str = "run", bytes_per_token: float | None = 2.5, **changes: Any) -> RunReport:
    contents: dict[str, Any] = {"events": EVENTS, "scores": [], "pack": {"sections": PARTS}, **changes}
    return RunReport(name, {} if bytes_per_token is None else {"bytes_per_token": bytes_per_token}, **contents)


def trace(figure: go.Figure, name: str) -> Any:
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def test_losses_and_scores_stand_on_one_axis() -> None:
    """A loss of a training token in nats is as many bits per byte as its bits over its bytes."""
    figure = curves([run()])
    training, held_out = trace(figure, "run: training loss"), trace(figure, "run: held out")
    assert training.y == pytest.approx([4.0 / math.log(2) / 2.5, 2.0 / math.log(2) / 2.5]) and held_out.y == (1.26,)
    assert training.x == (10, 20) and held_out.x == (20,)
    assert training.yaxis in (None, "y") and held_out.yaxis in (None, "y")
    assert "yaxis2" not in figure.layout and "bits per byte" in figure.layout.yaxis.title.text


def test_each_run_has_its_own_tokens() -> None:
    figure = curves([run("bytes", 1.0), run("words", 5.0)])
    assert trace(figure, "bytes: training loss").y[0] == pytest.approx(5 * trace(figure, "words: training loss").y[0])


def test_a_run_whose_tokens_are_not_known() -> None:
    """Its loss keeps its unit, on the other axis, which says so."""
    figure = curves([run(), run("old", None)])
    training = trace(figure, "old: training loss, nats per token")
    assert training.y == (4.0, 2.0) and training.yaxis == "y2"
    assert figure.layout.yaxis2.title.text == "nats per token" and figure.layout.yaxis2.side == "right"
    assert trace(figure, "old: held out").yaxis in (None, "y")


def test_a_run_without_events() -> None:
    """Of an imported checkpoint, say."""
    figure = curves([run(events=[{"event": "import", "checkpoint": "a.pt"}])])
    assert all(trace.y == () for trace in figure.data)


def test_a_line_where_late_quantisation_began() -> None:
    (line,) = curves([run()]).layout.shapes
    assert (line.x0, line.x1) == (15, 15)


def test_every_section_has_its_bytes_and_a_name_that_fits() -> None:
    """A name stands in its bar where there is room; the legend has them all."""
    figure = parts([run(), run("second", pack={"sections": {"mlp": 3_000}}), run("third", pack=None)])
    assert {trace.name: trace.x for trace in figure.data} == {
        "mlp": (600_000, 3_000),
        "a section with a long name": (5_000, 0),
        "attention": (0, 0),
    }
    assert {trace.name: trace.text for trace in figure.data} == {
        "mlp": ("mlp", ""),
        "a section with a long name": ("", ""),
        "attention": ("", ""),
    }
    assert all(trace.y == ("run", "second") for trace in figure.data)


def test_no_artifact_and_no_score_are_no_bars() -> None:
    assert not parts([run(pack=None)]).data and not score_bars([run()], []).data


def test_the_best_score_is_on_top() -> None:
    scores = [{"of": "artifact.bgz", "protocol": "sliding", "bpb": 1.5}]
    figure = score_bars([run(scores=scores)], [CompressorScore("xz", 2.5, 2.0)])
    assert [(*trace.y, *trace.x) for trace in figure.data] == [
        ("xz alone", 2.5),
        ("xz after the training text", 2.0),
        ("run, artifact.bgz: sliding", 1.5),
    ]


@pytest.mark.parametrize("figure", [curves([run()]), parts([run()]), score_bars([run()], [CompressorScore("xz", 2.5, 2.0)])])
def test_margins_grow_with_the_labels(figure: go.Figure) -> None:
    assert figure.layout.xaxis.automargin and figure.layout.yaxis.automargin
