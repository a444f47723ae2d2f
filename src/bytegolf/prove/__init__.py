"""Bits -> evidence: a score backed by a file that decodes. Called, it is the verb: see `bytegolf.flow.prove`."""

import sys

from bytegolf.verb import Verb

sys.modules[__name__].__class__ = Verb
