"""The model, read top to bottom: tokens -> logits. One forward serves training and scoring.

B batch, T positions, V vocabulary, D model width, L blocks, H query heads. Parameters are float32; compute runs
in `compute_dtype`, the head and the softcap in the precision of the parameters. `functions` may be compiled.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bytegolf.config import BOS, ModelConfig
from bytegolf.model.attention import Cache, Context, Rotary, rotary_tables
from bytegolf.model.banks import Banks, Initial
from bytegolf.model.block import BlockControls, BlockInputs, Skip
from bytegolf.model.compiled import ModelFunctions
from bytegolf.model.embeddings import BIGRAM, TRIGRAM, HashEmbedding, Scaled, Smear, ValueEmbedding
from bytegolf.model.head import cross_entropies, mean_cross_entropy, softcapped_logits
from bytegolf.model.kernels import kernel_for
from bytegolf.model.observe import Observe, under
from bytegolf.model.weights import Weights


class Controls(nn.Module):
    """The gains of all blocks, stacked: a handful of vectors that are never decayed or quantised coarsely."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        layers, dim = config.num_layers, config.model_dim
        self.attention_scale = nn.Parameter(torch.ones(layers, dim))
        self.mlp_scale = nn.Parameter(torch.ones(layers, dim))
        self.q_gain = nn.Parameter(torch.full((layers, config.num_heads), config.qk_gain))
        self.residual_mix = nn.Parameter(torch.tensor([1.0, 0.0])[:, None].repeat(layers, 1, dim)) if config.residual_mix else None
        gate = config.head_gate_inputs
        self.head_gate = nn.Parameter(torch.zeros(layers, config.num_heads, gate)) if gate else None
        self.skips = nn.Parameter(torch.ones(config.depth // 2, dim)) if config.unet_skips and config.depth > 1 else None
        self.depth_scale = config.depth_scale

    def blocks(self, dtype: torch.dtype) -> list[BlockControls]:
        """Return each block's gains in `dtype`."""
        layers, device = len(self.mlp_scale), self.mlp_scale.device
        depth = torch.arange(1, layers + 1, device=device) ** -0.5 if self.depth_scale else torch.ones(layers, device=device)
        stacks = (self.q_gain, self.attention_scale, self.mlp_scale, depth, self.residual_mix, self.head_gate)
        vectors = ([None] * layers if stack is None else stack.to(dtype).unbind(0) for stack in stacks)
        return [BlockControls(*own) for own in zip(*vectors, strict=True)]


class GPT(nn.Module):
    """A decoder-only transformer with the baseline's architecture; equations in docs/model.md."""

    def __init__(self, config: ModelConfig, compute_dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.config, self.compute_dtype = config, compute_dtype
        self.functions = ModelFunctions()
        dim, vocab = config.model_dim, config.vocab_size
        self.tokens = nn.Parameter(torch.zeros(vocab, dim))
        self.bigram = HashEmbedding(BIGRAM, config.bigram_size, config.bigram_dim, dim) if config.bigram_size else None
        self.trigram = HashEmbedding(TRIGRAM, config.trigram_size, config.trigram_dim, dim) if config.trigram_size else None
        self.smear = Smear(dim) if config.smear_gate else None
        self.value_embedding = (
            ValueEmbedding(vocab, config.value_embed_dim, config.kv_dim, config.value_embed_layers) if config.value_embed_layers else None
        )
        self.banks = Banks(config)
        self.controls = Controls(config)
        self.head = None if config.tie_embeddings else nn.Parameter(torch.zeros(vocab, dim))

    def initialise(self, seed: int, banks: Initial = "orthogonal") -> None:
        """Draw the random parameters of a new model from one seeded stream; the rest stay as they were built."""
        generator = torch.Generator().manual_seed(seed)
        tied_std = self.config.embed_init_std
        nn.init.normal_(self.tokens, std=tied_std if self.head is None else 1.0, generator=generator)
        for table, std in ((self.bigram, 0.0), (self.trigram, 0.0), (self.value_embedding, ValueEmbedding.TABLE_STD)):
            if table is not None:
                table.initialise(generator, std)
        self.banks.initialise(generator, banks)

    def forward(self, tokens_BT: Tensor, targets: Tensor | None = None, last: int | None = None) -> Tensor:
        """Return the float32 logits of each position's next token, (B, T, V), only of the `last` positions if given.

        With `targets` (B, T), return the mean cross-entropy in nats instead.
        """
        x = self.hidden(tokens_BT, last)
        return self.logits(x) if targets is None else self.loss(x, targets)

    def hidden(self, tokens_BT: Tensor, last: int | None = None, observe: Observe | None = None) -> Tensor:
        """Return the hidden states, (B, T, D), only of the `last` positions if given.

        `observe` is told what each matrix reads, under the names of `blocks`, `embed` and `block_values`.
        """
        age = document_age(tokens_BT) if self.config.isolate_documents else None
        visible = None if age is None else same_document(age)
        x0 = self.embed(tokens_BT, age, observe)
        values = self.block_values(tokens_BT, observe)
        return self.blocks(x0, values, self.rotary(tokens_BT), visible, last, observe=observe)

    def embed(self, tokens_BT: Tensor, age_BT: Tensor | None, observe: Observe | None = None) -> Tensor:
        """Return the first state of each position, (B, T, D). `observe` is told of "bigram.projection" and "trigram.projection"."""
        dtype = self.compute_dtype
        x = F.embedding(tokens_BT, self.tokens).to(dtype)
        tables = {"bigram": self.bigram, "trigram": self.trigram}
        hashed = [table.embed(tokens_BT, age_BT, dtype, under(name, observe)) for name, table in tables.items() if table is not None]
        smeared = None if self.smear is None else self.smear.shares(dtype)
        return self.functions.first_state(x, hashed, smeared, age_BT)

    def block_values(self, tokens_BT: Tensor, observe: Observe | None = None) -> list[Scaled | None]:
        """Return what is added to each block's attention values. `observe` is told of "value_embedding.projection"."""
        if self.value_embedding is None:
            return [None] * self.config.num_layers
        embedded = self.value_embedding.embed(tokens_BT, self.compute_dtype, under("value_embedding", observe))
        return [None] * (self.config.num_layers - len(embedded)) + list(embedded)

    def rotary(self, tokens_BT: Tensor) -> Rotary:
        """Return the rotary tables of all positions."""
        return rotary_tables(tokens_BT.shape[1], self.config.rotated_dims, self.config.rope_base, tokens_BT.device, self.compute_dtype)

    def blocks(
        self,
        x0: Tensor,
        values: list[Scaled | None],
        rotary: Rotary,
        visible: Tensor | None,
        last: int | None = None,
        caches: Sequence[Cache] = (),
        observe: Observe | None = None,
    ) -> Tensor:
        """Return the stream after all blocks, (B, T, D).

        Blocks are run in the recipe's order, looped ones several times. Outputs of its first half return in the second half, last
        in first out (U-Net). Only the last to run can leave positions out: the others' are read by the next. Caches, one for each
        that is run, are read and extended. `observe` is told what each matrix of block i reads, each time that it is run, as
        "blocks.i.read" and so on (see `block`).
        """
        config, dtype = self.config, self.compute_dtype
        weights, controls = self.banks.blocks(dtype), self.controls.blocks(dtype)
        gains = None if self.controls.skips is None else iter(self.controls.skips.to(dtype).unbind(0))
        context = Context(rotary, visible, kernel_for(x0.device, dtype, visible is not None))
        first_half = config.depth // 2
        stack: list[Tensor] = []
        x = x0
        for step, i in enumerate(config.block_order):
            skip = Skip(stack.pop(), next(gains)) if gains and step >= first_half and stack else None
            exclusive = i >= config.num_layers - config.xsa_layers
            inputs = BlockInputs(weights[i], controls[i], values[i], skip, exclusive, config.mlp_leak)
            asked = last if step == config.depth - 1 else None
            x = self.functions.block(x, x0, inputs, context, asked, caches[step] if caches else None, under(f"blocks.{i}", observe))
            if gains and step < first_half:
                stack.append(x)
        return x

    def head_input(self, x_BTD: Tensor) -> Tensor:
        """Return what the head multiplies, the normed hidden states (B, T, D)."""
        return self.functions.rms_norm(x_BTD)

    def logits(self, x_BTD: Tensor) -> Tensor:
        """Return the softcapped logits of hidden states, (B, T, V)."""
        head = self.tokens if self.head is None else self.head
        return softcapped_logits(self.head_input(x_BTD), head, self.config.logit_softcap)

    def loss(self, x_BTD: Tensor, targets_BT: Tensor) -> Tensor:
        """Return the mean cross-entropy of targets (B, T) in nats."""
        head = self.tokens if self.head is None else self.head
        x_ND = self.head_input(x_BTD).flatten(0, 1)
        return mean_cross_entropy(x_ND, head, targets_BT.flatten(), self.config.logit_softcap, self.functions.nll_and_gradient)

    def nats(self, x_BTD: Tensor, targets_BT: Tensor) -> Tensor:
        """Return the cross-entropy of each position's target, (B, T), in nats."""
        head = self.tokens if self.head is None else self.head
        x_ND = self.head_input(x_BTD).flatten(0, 1)
        return cross_entropies(x_ND, head, targets_BT.flatten(), self.config.logit_softcap).view(targets_BT.shape)


def document_age(tokens_BT: Tensor) -> Tensor:
    """Return the number of positions since the last document start, (B, T); the first position counts as a start."""
    position = torch.arange(tokens_BT.shape[1], device=tokens_BT.device).expand_as(tokens_BT)
    start = torch.where(tokens_BT == BOS, position, 0).cummax(dim=1).values
    return position - start


def same_document(age_BT: Tensor) -> Tensor:
    """Return the causal mask inside documents, (B, 1, T, T): query t sees key s if s <= t <= s + age_t."""
    position = torch.arange(age_BT.shape[1], device=age_BT.device)
    start = position - age_BT
    causal = position[:, None] >= position[None, :]
    return (causal & (position[None, None, :] >= start[:, :, None]))[:, None]


def model_from_weights(config: ModelConfig, weights: Weights, device: torch.device) -> GPT:
    """Return a float32 model with these weights, on `device`, ready to score."""
    model = GPT(config).to(device)
    model.load_state_dict(dict(weights))
    return model.eval()
