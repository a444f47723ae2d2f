"""Text <-> bits: predictors, the range coder that turns their distributions into bits, and `.bgc` files of any content."""
