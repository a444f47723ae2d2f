"""Probabilities -> better ones: experts that learn from text already scored, mixed with the model's predictions."""
