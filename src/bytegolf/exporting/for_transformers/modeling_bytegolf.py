"""A bytegolf model as transformers loads and runs it.

B texts, S tokens of each so far, T of them new, V vocabulary, D model width. The model itself is in gpt.py.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from bytegolf.exporting.for_transformers.configuration_bytegolf import BytegolfConfig
from bytegolf.model.attention import Rotary, rotate
from bytegolf.model.gpt import GPT, document_age, same_document
from bytegolf.model.stream import NEIGHBOURS

# What this version of transformers calls a cache.
CACHE_NAME = "cache" if "cache" in CausalLMOutputWithPast.__dataclass_fields__ else "past_key_values"


class CachedBlock:
    """The keys and values of one block, each time that it is run, in a cache of transformers'."""

    def __init__(self, cache: Any, number: int) -> None:
        self.cache, self.number = cache, number

    def extended(self, k_BKT1h: Tensor, v_BKT1h: Tensor, rotary: Rotary) -> tuple[Tensor, Tensor]:
        """Return rotated keys and values of the cached positions and of those that follow, given unrotated; all are kept."""
        k_BKT1h = rotate(k_BKT1h, rotary.last(k_BKT1h.shape[2]))
        k_BKSh, v_BKSh = self.cache.update(k_BKT1h.squeeze(3), v_BKT1h.squeeze(3), self.number)
        return k_BKSh.unsqueeze(3), v_BKSh.unsqueeze(3)


class BytegolfForCausalLM(PreTrainedModel, GenerationMixin):
    """A decoder-only transformer: tokens -> logits of the next token."""

    config_class = BytegolfConfig
    base_model_prefix = "model"

    def __init__(self, config: BytegolfConfig) -> None:
        super().__init__(config)
        self.model = GPT(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave what a new model consists of: all weights are loaded."""

    def get_input_embeddings(self) -> None:
        """Return no module: embeddings are parameters, and cannot be replaced or resized."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        cache: Any = None,
        past_key_values: Any = None,
        text_ids: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int = 0,
        **kwargs: object,
    ) -> CausalLMOutputWithPast:
        """Return the logits of the tokens after each of `input_ids` (B, T), or after the last `logits_to_keep` of them.

        `attention_mask` (B, S) is 0 where a text is padded. A position's first state depends on the tokens just before it, so
        where `input_ids` continue what a cache holds, `text_ids` (B, S) are all tokens so far; `generate` sees to that. `labels`
        (B, T), of which -100 are left out, are those of `input_ids`, as everywhere in transformers.
        """
        cache = past_key_values if cache is None else cache
        seen = 0 if cache is None else cache.get_seq_length()
        if text_ids is None and seen:
            raise ValueError("text_ids: expected all tokens so far beside a cache, found none; without a cache, give all as input_ids")
        hidden = self.hidden(input_ids if text_ids is None else text_ids, seen, attention_mask, cache, logits_to_keep or None)
        logits, loss = self.model.logits(hidden), None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutputWithPast(loss=loss, logits=logits, **{CACHE_NAME: cache})

    def hidden(self, text_BS: Tensor, seen: int, attention_mask: Tensor | None, cache: Any, last: int | None) -> Tensor:
        """Return the hidden states of texts behind the first `seen` positions, which are in the cache, only of the `last` if given."""
        model, new = self.model, text_BS.shape[1] - seen
        model.compute_dtype = model.tokens.dtype
        age = self.ages(text_BS, attention_mask)
        nearby = min(text_BS.shape[1], NEIGHBOURS + new)
        x0 = model.embed(text_BS[:, -nearby:], None if age is None else age[:, -nearby:])[:, -new:]
        visible = None if age is None else same_document(age)[:, :, -new:]
        caches = [] if cache is None else [CachedBlock(cache, number) for number in range(self.config.depth)]
        return model.blocks(x0, model.block_values(text_BS[:, -new:]), model.rotary(text_BS), visible, last, caches)

    def ages(self, text_BS: Tensor, attention_mask: Tensor | None) -> Tensor | None:
        """Return the number of positions since a document, or the text behind its padding, began; None where all see all before them."""
        age = document_age(text_BS) if self.config.isolate_documents else None
        if attention_mask is None or bool(attention_mask.all()):
            return age
        since = (attention_mask.cumsum(dim=1) - 1).clamp(min=0)
        return since if age is None else torch.minimum(age, since)

    def prepare_inputs_for_generation(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, cache: Any = None, past_key_values: Any = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Return what `forward` takes, given all tokens so far."""
        cache = past_key_values if cache is None else cache
        seen = 0 if cache is None else cache.get_seq_length()
        kept = kwargs.get("logits_to_keep") or 0
        inputs = {"input_ids": input_ids[:, seen:], "text_ids": input_ids, "attention_mask": attention_mask}
        return {**inputs, CACHE_NAME: cache, "logits_to_keep": kept}
