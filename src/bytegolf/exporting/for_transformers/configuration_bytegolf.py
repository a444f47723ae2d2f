"""The configuration of a bytegolf model, as transformers reads it from `config.json`."""

from typing import ClassVar

from transformers import PretrainedConfig


class BytegolfConfig(PretrainedConfig):
    """The architecture: what `config.json` has becomes attributes, a recipe's switches and the sizes that follow from them."""

    model_type = "bytegolf"
    attribute_map: ClassVar[dict[str, str]] = {
        "hidden_size": "model_dim",
        "num_hidden_layers": "depth",
        "num_attention_heads": "num_heads",
        "num_key_value_heads": "num_kv_heads",
        "intermediate_size": "mlp_dim",
    }
