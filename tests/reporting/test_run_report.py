"""Which figure tells most of a run."""

from typing import Any

import pytest

from bytegolf.proving.receipt import REST
from support.reports import EVENTS, MANIFEST, a_pack, a_receipt, a_run, a_score

UNPACKED: dict[str, Any] = {"scores": [], "pack": None, "receipt": None}
OF_WEIGHTS = a_score(1.1, None).model_copy(update={"of": "weights.safetensors"})
UNSCORED = a_pack(bpb_before=None, bpb_after=None, bpb_experts=None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scores": [a_score(0.9, 1.0, "streaming"), a_score(0.95, 1.1), OF_WEIGHTS]}, (0.95, 1.1, "sliding score of artifact.bgz")),
        ({"scores": [OF_WEIGHTS]}, (0.98765, 1.22229, "sliding score after packing")),
        ({"scores": [], "pack": a_pack(bpb_experts=None)}, (1.22229, None, "sliding score after packing")),
        ({"scores": [], "pack": UNSCORED}, (0.98761, 1.22231, "sliding score of artifact.bgz, as it was proved")),
        (
            {"scores": [], "pack": UNSCORED, "receipt": a_receipt(not_checked=[REST])},
            (0.98761, 1.22231, "sliding score of artifact.bgz of the first 2,000 bytes, as it was proved"),
        ),
        ({**UNPACKED, "scores": [OF_WEIGHTS]}, (1.1, None, "sliding score of weights.safetensors")),
        (UNPACKED, (1.23456789, None, "standard score at the end of training")),
        ({**UNPACKED, "manifest": None}, (1.8765, None, "standard score at step 20")),
        ({**UNPACKED, "manifest": {**MANIFEST, "val_bpb": None}, "events": EVENTS[:1]}, None),
    ],
)
def test_the_best_figure(changes: dict[str, Any], expected: tuple[float, float | None, str] | None) -> None:
    assert a_run(**changes).best == expected


def test_steps_that_are_done() -> None:
    assert (
        a_run().steps_done == MANIFEST["steps"]
        and a_run(manifest=None).steps_done == 20
        and a_run(manifest=None, events=[]).steps_done == 0
    )
