"""The claims of a `submission.json`, against its limits and the logs."""

import json
import math

from bytegolf.contest.evidence import ReviewFinding, Weight
from bytegolf.contest.logs import CAP_BYTES, EVAL_SECONDS, LogFacts

NAME = "submission.json"
SIZE_KEYS = ("bytes_total", "artifact_bytes_max", "artifact_bytes", "total_bytes")
TIME_KEYS = ("eval_time_seconds", "eval_time_s", "eval_time_max_s", "eval_seconds")
CLAIM_TOLERANCE = 0.002  # bits per byte; a claim is a mean of logs


def submission_findings(text: str, logs: list[LogFacts]) -> list[ReviewFinding]:
    """Return what is wrong with the claims. `text` is empty where there is no such file."""
    if not text:
        return []
    try:
        claims = json.loads(text)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        return [_finding("log-mismatch", "defect", "expected a JSON object, found something else")]
    found = []
    for key in SIZE_KEYS:
        size = _number(claims.get(key))
        if size is not None and size > CAP_BYTES:
            found.append(_finding("size", "disputed", f"{key} is {size:,.0f}, over the cap of {CAP_BYTES:,}"))
            break
    seconds = max([_number(claims.get(key)) or 0.0 for key in TIME_KEYS])
    if seconds > EVAL_SECONDS:
        found.append(_finding("over-budget", "disputed", f"evaluation took {seconds:,.0f} s of {EVAL_SECONDS}"))
    claim, scores = _number(claims.get("val_bpb")), [facts.bpb for facts in logs if facts.bpb is not None]
    if claim is not None and scores and claim < min(scores) - CLAIM_TOLERANCE:
        found.append(
            _finding("log-mismatch", "disputed", f"claims {claim:.4f} bpb; the lowest last score in the logs is {min(scores):.4f}")
        )
    return found


def claimed_bpb(text: str) -> float | None:
    """Return the claimed score, None where there is none."""
    try:
        claims = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    return _number(claims.get("val_bpb")) if isinstance(claims, dict) else None


def _number(value: object) -> float | None:
    """Return a figure; None for text, null, and what is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _finding(rule: str, weight: Weight, why: str) -> ReviewFinding:
    return ReviewFinding(rule, weight, NAME, 0, "", "default", True, why)
