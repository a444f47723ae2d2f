"""Lanes before the clock starts: what is made on first use (kernels, connections, buffers) is made here, by the very code that trains."""

import copy

from bytegolf.training.fake_quant import ClassBits
from bytegolf.training.learner import Learner


def warm_up(learner: Learner, steps: int) -> None:
    """Take `steps` steps on made-up tokens, the last half of them on a grid where the run will train on one.

    Leaves no trace: weights, optimisers and averages are as they were, bit for bit; the data and the clock are not touched.
    """
    if not steps:
        return
    weights = {name: weight.clone() for name, weight in learner.weights.items()}
    optimizers = {name: copy.deepcopy(optimizer.state_dict()) for name, optimizer in learner.optimizers.all.items()}
    averages, grid = learner.averages, learner.grid
    learner.averages = copy.deepcopy(averages)
    batch = learner.made_up_batch()
    for step in range(steps):
        if learner.recipe.qat.start < 1 and 2 * step >= steps - 1 and learner.grid is None:
            learner.grid = ClassBits(learner.qat_bits)  # any will do
        learner.step(batch, step, 1.0)
    learner.model.load_state_dict(weights)
    for name, optimizer in learner.optimizers.all.items():
        optimizer.load_state_dict(optimizers[name])
    learner.averages, learner.grid = averages, grid
