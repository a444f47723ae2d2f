"""Audit a predictor of your own: does it sum to one, score before it learns, and never look ahead.

    python examples/audit_my_predictor.py

Two predictors of bytes by counts of pairs are tried. One is honest. The other forgets to divide by the sum after it has
favoured the last byte, a mistake that makes a score look better than any file that could back it.
The same from the shell, in this folder: bytegolf audit audit_my_predictor:honest
"""

from contextlib import chdir
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bytegolf as bg

VOCAB_SIZE = 256


class Pairs:
    """How often each byte followed each other byte so far. Nothing here is ever shown the byte that it is to predict."""

    vocab_size = VOCAB_SIZE

    def reset(self) -> None:
        """Forget the text."""
        self.counts_VV = np.full((VOCAB_SIZE, VOCAB_SIZE), 0.05)
        self.last: int | None = None

    def predict(self) -> NDArray[np.float64]:
        """Return the probability of every byte to come next, (V,)."""
        seen_V = np.ones(VOCAB_SIZE) if self.last is None else self.counts_VV[self.last]
        return seen_V / seen_V.sum()

    def observe(self, tokens: NDArray[np.integer]) -> None:
        """Learn from the byte that came, an array of one."""
        token = int(tokens[0])
        if self.last is not None:
            self.counts_VV[self.last, token] += 1
        self.last = token


class Doubled(Pairs):
    """The same, with the last byte twice as likely to come again, and the sum forgotten."""

    def predict(self) -> NDArray[np.float64]:
        """Return what look like probabilities, (V,)."""
        probabilities_V = super().predict()
        if self.last is not None:
            probabilities_V[self.last] *= 2
        return probabilities_V


def honest() -> Pairs:
    """Make the honest predictor anew: what `bytegolf audit MODULE:FACTORY` calls."""
    return Pairs()


def doubled() -> Doubled:
    """Make the other one."""
    return Doubled()


def main() -> None:
    """Audit both and print the verdicts."""
    options = bg.AuditOptions(tokens=64, noise_tokens=1024)
    for factory in ("honest", "doubled"):
        with chdir(Path(__file__).parent):  # where MODULE is found
            verdict = bg.audit(f"audit_my_predictor:{factory}", options, sandbox=False)  # our own code: no sandbox needed
        print(f"{factory}: {'nothing found' if verdict.ok else 'not a valid score'}")
        for finding in verdict.findings:
            if not finding.passed:
                print(f"  {finding.test}: {finding.evidence}")


if __name__ == "__main__":
    main()
