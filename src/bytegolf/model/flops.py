"""The arithmetic that a token costs."""

from math import prod

from bytegolf.config import Recipe
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import weight_class


def training_flops_per_token(recipe: Recipe) -> int:
    """Return the FLOPs of training on a token, forward and backward.

    They are 6 per weight in a matrix product, each time that its block is run, and 6·T·D for causal attention in each of these
    blocks, T being the sequence length.
    """
    model = recipe.model
    sizes = [(weight_class(name), prod(shape)) for name, shape in parameter_shapes(model).items()]
    of_blocks = sum(size for kind, size in sizes if kind in ("mlp", "attention"))
    projections = sum(size for kind, size in sizes if kind == "projection")
    head = model.vocab_size * model.model_dim
    attention = recipe.train.sequence_length * model.num_heads * model.head_dim
    return 6 * (model.depth * (of_blocks // model.num_layers + attention) + projections + head)
