"""The checks of the audit, T1 to T13: what a valid score cannot do, looked for from outside.

They look for violations of four conditions: C1, a token is predicted from those before it alone; C2, by a distribution over
the whole vocabulary that sums to 1; C3, it is scored before anything learns from it; C4, in one pass from left to right,
each token once. A check is a function of a `Bench` that returns a `Verdict`, or raises `NotPossible` if the predictor does not
offer what it needs.
"""

from collections.abc import Callable

from bytegolf.auditing.bench import Bench, Verdict
from bytegolf.auditing.checks import accounting, causality, compression, normalisation, order

CHECKS: dict[str, Callable[[Bench], Verdict]] = {
    "T1": causality.truncation,
    "T2": causality.perturbation,
    "T3": causality.self_dependence,
    "T4": normalisation.distributions,
    "T5": normalisation.substitution,
    "T6": order.left_out_update,
    "T7": order.order_of_events,
    "T8": accounting.coverage,
    "T9": causality.prefix,
    "T10": accounting.repetition,
    "T11": compression.noise,
    "T12": compression.decoding,
    "T13": compression.degenerate_settings,
}
