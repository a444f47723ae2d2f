"""Batches -> weights: the loop, the optimisers, the schedule, late QAT, averages and checkpoints.

One optimiser step leads from `loop` (what is due, the log) to `learner` (micro-batches, loss, averages) to `optimizers`, and from there
to `muon` and `adamw`. What a run leaves on disk is `run_record`'s and `checkpoint`'s; `speed` measures all of it.
"""
