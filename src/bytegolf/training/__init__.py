"""Batches -> weights: the loop, the optimisers, the schedule, averages and checkpoints."""
