"""Predictors for the audit to judge: one for each way to cheat that can be seen from outside, and honest ones that look alike.

To add a cheat, write it in the module of its kind and name it in that module's CHEATING, with the tests that must catch
it. Every test of the audit then tries it. If no test catches it, add a check to `bytegolf.auditing.checks`.
"""

from support.cheats import accounting, lookahead, normalisation, order
from support.cheats.counting import Cheat

CHEATING: dict[str, Cheat] = {**normalisation.CHEATING, **lookahead.CHEATING, **order.CHEATING, **accounting.CHEATING}
