"""This process: device, threads, signals, progress, and the other processes of a run."""
