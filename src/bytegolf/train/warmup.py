"""Steps before the clock starts: what is made on first use (kernels, connections, buffers) is made here, by the very code that trains."""

import copy

from bytegolf.train.learner import Learner


def warm_up(learner: Learner, steps: int) -> None:
    """Take `steps` steps on made-up tokens, the last half of them on the artifact's grid where the run will train on it.

    Leaves no trace: weights, optimisers and averages are as they were, bit for bit; the data and the clock are not touched.
    """
    if not steps:
        return
    weights = {name: weight.clone() for name, weight in learner.weights.items()}
    optimizers = {name: copy.deepcopy(optimizer.state_dict()) for name, optimizer in learner.optimizers.all.items()}
    averages, fake_quant = learner.averages, learner.fake_quant
    learner.averages = copy.deepcopy(averages)
    batch = learner.made_up_batch()
    for step in range(steps):
        if learner.recipe.qat.start < 1 and 2 * step >= steps - 1 and not learner.fake_quant:
            learner.start_fake_quant()
        learner.step(batch, step, 1.0)
    learner.model.load_state_dict(weights)
    for name, optimizer in learner.optimizers.all.items():
        optimizer.load_state_dict(optimizers[name])
    learner.averages, learner.fake_quant = averages, fake_quant
