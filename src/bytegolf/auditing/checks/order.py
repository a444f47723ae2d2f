"""Checks that text is scored before anything learns from it (C3)."""

from bytegolf.auditing.bench import Bench, Comparison, Verdict


def left_out_update(bench: Bench) -> Verdict:
    """T6: check that leaving an update out changes nothing about what it learned from, nor about anything before."""
    bench.require("events", "without_update")
    bits, comparisons = bench.predictor.bits(bench.text), []
    updates = [event for event in bench.predictor.events(bench.text) if event[0] == "update"]
    for number, (_, _, stop) in list(enumerate(updates))[: bench.options.num_places]:
        without = bench.predictor.bits_without_update(bench.text, number)
        what = f"update {number}, which learned from targets up to {stop - 1}, left out"
        comparisons.append(Comparison(what, bits[:stop], without[:stop]))
    return bench.compare(comparisons)


def order_of_events(bench: Bench) -> Verdict:
    """T7: check that every update learns only from targets scored before it."""
    bench.require("events")
    scored = 0
    for kind, first, stop in bench.predictor.events(bench.text):
        if kind == "score":
            scored = max(scored, stop)
        elif stop > scored:
            evidence = f"an update learns from targets up to {stop - 1} when {scored} are scored"
            return Verdict(False, evidence, max(first, scored))
    return Verdict(True, f"every update comes after the scores of what it learns from, {scored} of {bench.targets} in all")
