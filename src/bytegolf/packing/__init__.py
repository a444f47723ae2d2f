"""Weights -> artifact: calibration, allocation of bits, rounding, and the search for the largest file that fits."""
