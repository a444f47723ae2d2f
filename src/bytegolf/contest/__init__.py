"""Evidence -> submission: review, compare, submit."""
