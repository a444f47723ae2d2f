"""Checks of the accounts (C4): each token scored once and in order, bytes as they are, the same score every time."""

import numpy as np

from bytegolf.auditing.adapter import in_order
from bytegolf.auditing.bench import Bench, Verdict


def coverage(bench: Bench) -> Verdict:
    """T8: check that every target is scored once and in order, and that bytes are those of the text."""
    rows = bench.predictor.ledger_rows(bench.text)
    scored = np.arange(len(rows)) if rows.ndim == 1 else rows[:, 0].astype(int)
    bits = rows if rows.ndim == 1 else rows[:, 1]
    if scored.tolist() != list(range(bench.targets)):
        wrong = next((i for i, target in enumerate(scored.tolist()) if target != i), len(scored))
        return Verdict(False, f"{len(scored)} rows for {bench.targets} targets, {len(set(scored.tolist()))} different ones", wrong)
    if not np.isfinite(bits).all() or bits.min() < -bench.options.tolerance:
        return Verdict(False, f"targets from {bits.min():.3g} to {bits.max():.3g} bits", int(np.argmin(bits)))
    return _spans_out_of_order(bench) or _wrong_byte_count(bench) or Verdict(True, f"{bench.targets} targets, each once")


def _spans_out_of_order(bench: Bench) -> Verdict | None:
    if "events" not in bench.predictor.offered:
        return None
    due = 0
    for kind, first, stop in bench.predictor.events(bench.text):
        if kind != "score":
            continue
        if first != due:
            return Verdict(False, f"targets from {first} on are scored where {due} was due", first)
        due = stop
    return None


def _wrong_byte_count(bench: Bench) -> Verdict | None:
    if not {"num_bytes", "decode"} <= bench.predictor.offered:
        return None
    instance = bench.predictor.new()
    claimed, actual = int(instance.num_bytes(bench.text)), len(instance.decode(bench.text[1:]))
    return Verdict(False, f"{claimed} bytes claimed where the text has {actual}") if claimed != actual else None


def repetition(bench: Bench) -> Verdict:
    """T10: check that the same text takes the same bits again, bit for bit, from a new instance and from a used one."""
    once, again = bench.predictor.bits(bench.text), bench.predictor.bits(bench.text)
    instance = bench.predictor.new()
    if hasattr(instance, "bits"):
        instance.bits(bench.text)
        reused = in_order(np.asarray(instance.bits(bench.text)), bench.targets)
        again = np.where(once == again, reused, again)
    differing = np.flatnonzero(once != again)
    if len(differing):
        first = int(differing[0])
        return Verdict(False, f"{once[first]:.6f} bits, then {again[first]:.6f}; {len(differing)} targets differ", first)
    return Verdict(True, "identical")
