"""Steps before the clock starts: what is made on first use (kernels, connections, buffers) is made here, by the code that trains."""

import copy
from dataclasses import dataclass
from typing import Any

from bytegolf.model.weights import Weights
from bytegolf.training.averaging import Averages
from bytegolf.training.fake_quant import ClassBits, Grid
from bytegolf.training.learner import Learner


@dataclass(frozen=True)
class Snapshot:
    """Copies of all that a step changes in a learner."""

    weights: Weights
    optimizers: dict[str, dict[str, Any]]  # state_dict of each
    averages: Averages
    grid: Grid | None

    @classmethod
    def of(cls, learner: Learner) -> "Snapshot":
        """Copy the learner's state, of this process alone."""
        return cls(
            {name: weight.clone() for name, weight in learner.weights.items()},
            {name: copy.deepcopy(optimizer.state_dict()) for name, optimizer in learner.optimizers.all.items()},
            copy.deepcopy(learner.averages),
            learner.grid,
        )

    def restore(self, learner: Learner) -> None:
        """Put the learner back into the state that was copied, bit for bit."""
        learner.model.load_state_dict(self.weights)
        for name, optimizer in learner.optimizers.all.items():
            optimizer.load_state_dict(self.optimizers[name])
        learner.averages, learner.grid = self.averages, self.grid


def warm_up(learner: Learner, steps: int) -> None:
    """Take `steps` steps on a dummy batch, the last half of them on a grid where the run will train on one.

    Leaves no trace: weights, optimisers and averages are as they were, bit for bit; the data and the clock are not touched.
    """
    if not steps:
        return
    before = Snapshot.of(learner)
    batch = learner.dummy_batch()
    for step in range(steps):
        if learner.recipe.qat.start < 1 and 2 * step >= steps - 1 and learner.grid is None:
            learner.grid = ClassBits(learner.qat.bits)  # any will do
        learner.step(batch, step, 1.0)
    before.restore(learner)
