"""Weights -> integers -> probabilities: the model in arithmetic with one possible result, whatever the machine."""
