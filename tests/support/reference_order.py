"""Which blocks of a model are run, and when: for the references, which share no code with the package."""

from bytegolf.config import ModelConfig


def reference_order(config: ModelConfig) -> list[int]:
    """Block by block: at the end of the loop back to its beginning, as often as that is."""
    order = []
    end = config.loop_first + config.loop_blocks if config.loop_blocks > 0 else config.num_layers
    i, times = 0, 1
    while i < config.num_layers:
        order.append(i)
        i += 1
        if i == end and times < config.loops:
            i, times = config.loop_first, times + 1
    return order
