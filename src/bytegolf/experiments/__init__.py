"""One recipe -> many runs: the cells of a sweep, where they run, and what they come to."""
