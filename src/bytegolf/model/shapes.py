"""The names and shapes of a model's parameters, without the model: what reads weights alone has no use for torch."""

from math import prod

from bytegolf.config import ModelConfig

Shape = tuple[int, ...]


def parameter_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return the shape of every parameter of `GPT`, in its order."""
    vocab, dim, kv, layers = config.vocab_size, config.model_dim, config.kv_dim, config.num_layers
    shapes: dict[str, Shape] = {"tokens": (vocab, dim)}
    if not config.tie_embeddings:
        shapes["head"] = (vocab, dim)
    if config.bigram_size:
        shapes |= {**_table("bigram", config.bigram_size, config.bigram_dim, dim), "bigram.scale": ()}
    if config.trigram_size:
        shapes |= {**_table("trigram", config.trigram_size, config.trigram_dim, dim), "trigram.scale": ()}
    if config.smear_gate:
        shapes["smear.gate"] = (dim,)
    if config.value_embed_layers:
        shapes |= _table("value_embedding", vocab, config.value_embed_dim, kv)
        shapes |= {"value_embedding.scale": (), "value_embedding.layer_scales": (config.value_embed_layers,)}
    shapes |= {"banks.qo": (2 * layers, dim, dim), "banks.kv": (2 * layers, kv, dim)}
    shapes |= {"banks.up": (layers, config.mlp_dim, dim), "banks.down": (layers, dim, config.mlp_dim)}
    return shapes | _controls(config)


def parameter_count(config: ModelConfig) -> int:
    """Return the number of weights."""
    return sum(prod(shape) for shape in parameter_shapes(config).values())


def _table(name: str, rows: int, dim: int, width: int) -> dict[str, Shape]:
    """Return the shapes of a lookup table and of the map of its rows to `width`, if they have another."""
    shapes: dict[str, Shape] = {f"{name}.table": (rows, dim)}
    return shapes if dim == width else shapes | {f"{name}.projection": (width, dim)}


def _controls(config: ModelConfig) -> dict[str, Shape]:
    """Return the shapes of the gains of all blocks."""
    layers, dim = config.num_layers, config.model_dim
    shapes: dict[str, Shape] = {f"controls.{part}_scale": (layers, dim) for part in ("attention", "mlp")}
    shapes["controls.q_gain"] = (layers, config.num_heads)
    if config.residual_mix:
        shapes["controls.residual_mix"] = (layers, 2, dim)
    if config.head_gate_inputs:
        shapes["controls.head_gate"] = (layers, config.num_heads, config.head_gate_inputs)
    if config.unet_skips and config.depth > 1:
        shapes["controls.skips"] = (config.depth // 2, dim)
    return shapes
