"""Runs -> tables and pages. Called, it is the verb: see `bytegolf.flow.report`."""

import sys

from bytegolf.verb import Verb

sys.modules[__name__].__class__ = Verb
