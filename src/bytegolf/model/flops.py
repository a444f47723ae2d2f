"""The arithmetic that a token costs."""

from math import prod

from bytegolf.config import Recipe
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class


def training_flops_per_token(recipe: Recipe) -> int:
    """Return the FLOPs of training on a token, forward and backward.

    They are 6 per weight in a matrix product, and 6·L·T·D for causal attention, T being the sequence length.
    """
    model = recipe.model
    shapes = parameter_shapes(model)
    products = sum(prod(shape) for name, shape in shapes.items() if weight_class(name) in ("mlp", "attention", "projection"))
    head = model.vocab_size * model.model_dim
    attention = model.num_layers * recipe.train.sequence_length * model.num_heads * model.head_dim
    return 6 * (products + head + attention)
