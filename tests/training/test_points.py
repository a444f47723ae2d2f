"""The points that a log holds."""

import json
from pathlib import Path

from bytegolf.training.points import Point, kept_points, point_of


def test_what_is_no_number_is_left_out() -> None:
    point = point_of("step", {"step": 3, "loss": 1.5, "qat": True, "bits": {"mlp": 3}, "bpb": None})
    assert point == Point("step", 3, {"step/loss": 1.5, "step/qat": 1.0})


def test_kept_points(tmp_path: Path) -> None:
    events = [{"event": name, "step": step, "loss": step / 2} for step in (1, 2, 3) for name in ("clock", "step")]
    lines = [json.dumps(event).encode() + b"\n" for event in events]
    (tmp_path / "log").write_bytes(b"".join(lines) + b'{"event": "st')
    assert kept_points(tmp_path / "log", len(b"".join(lines[:4]))) == [
        Point("step", 1, {"step/loss": 0.5}),
        Point("step", 2, {"step/loss": 1.0}),
    ]
    assert kept_points(tmp_path / "none", 0) == []
