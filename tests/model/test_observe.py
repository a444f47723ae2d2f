"""What an observer is told: the input of every matrix, under the name of its place."""

import torch
from torch import Tensor

from bytegolf.model.observe import under
from support.models import changed, random_model, random_tokens


def test_every_place_is_told_once_and_in_its_shape() -> None:
    model = random_model(changed())
    config, tokens = model.config, random_tokens(model.config)
    seen: dict[str, Tensor] = {}
    model.hidden(tokens, observe=lambda place, x: seen.update({place: x}))
    widths = {"read": config.model_dim, "heads": config.model_dim, "hidden": config.model_dim, "activation": config.mlp_dim}
    expected = {f"blocks.{i}.{part}": width for i in range(config.num_layers) for part, width in widths.items()}
    expected |= {"bigram.projection": config.bigram_dim, "trigram.projection": config.trigram_dim}
    expected |= {"value_embedding.projection": config.value_embed_dim}
    assert {place: x.shape[-1] for place, x in seen.items()} == expected
    assert all(x.shape[:-1] == tokens.shape for x in seen.values())


def test_a_place_within_a_place() -> None:
    told: list[str] = []
    observe = under("outer", under("outermost", lambda place, _: told.append(place)))
    assert observe is not None
    observe("inner", torch.zeros(1))
    assert told == ["outermost.outer.inner"]


def test_nobody_watches() -> None:
    assert under("anywhere", None) is None
