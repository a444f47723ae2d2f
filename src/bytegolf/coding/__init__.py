"""Text <-> bits: predictors, range-coded streams and the `.bgc` file."""
