"""Define the typed recipe: every setting of a run once, with its unit, default and meaning."""

from typing import Literal, Self

from pydantic import Field, model_validator

from bytegolf.names import CalibrationName, CoderName, MethodName, TokenizerName
from bytegolf.recipe_table import RecipeTable, require

MAX_VOCAB_SIZE = 65_536  # shards hold tokens as uint16
MAX_TABLE_ROWS = 2**26  # of a hash table
MAX_BLOCKS = 512  # that a token passes
BOS = 1  # the token that starts every document, in every vocabulary


class ModelConfig(RecipeTable):
    """The architecture: everything a decoder needs to rebuild the model, and nothing else."""

    vocab_size: int = Field(1024, ge=2, le=MAX_VOCAB_SIZE, description="tokens in the vocabulary")
    num_layers: int = Field(10, ge=1, le=MAX_BLOCKS, description="transformer blocks")
    loop_first: int = Field(0, ge=0, description="first of the blocks that are looped, counted from 0")
    loop_blocks: int = Field(0, ge=0, description="blocks that are looped, one after the other; 0 is all from loop_first on")
    loops: int = Field(1, ge=1, description="times that looped blocks are run, with the same weights; 1 is no loop")
    model_dim: int = Field(512, ge=2, le=16_384, description="width of the residual stream")
    num_heads: int = Field(8, ge=1, le=512, description="query heads")
    num_kv_heads: int = Field(4, ge=1, le=512, description="key and value heads, shared by groups of query heads")
    mlp_mult: float = Field(3.0, gt=0, le=64, description="hidden width of the MLP over model_dim")
    mlp_leak: float = Field(0.5, ge=0, le=1, description="slope of the leaky ReLU below 0, before squaring; 0 is ReLU²")
    tie_embeddings: bool = Field(True, description="the output head is the token embedding")
    rope_base: float = Field(10_000.0, gt=1, description="base of the rotary frequencies")
    rope_dims: int = Field(0, ge=0, description="rotated dimensions of a head; 0 is all of them")
    qk_gain: float = Field(1.5, gt=0, description="initial gain of the normed queries")
    logit_softcap: float = Field(30.0, gt=0, description="logits are c·tanh(z/c)")
    depth_scale: bool = Field(False, description="divide the normed input of block i by sqrt(i+1) (LN scale)")
    residual_mix: bool = Field(True, description="each block starts from a learned mix of x and the embedding x0")
    unet_skips: bool = Field(True, description="add the first half's outputs back in the second half, last in first out")
    smear_gate: bool = Field(True, description="blend each embedding with its predecessor's through a learned gate")
    head_gate_inputs: int = Field(0, ge=0, description="first dimensions of a block's input that open and close its heads; 0 is no gate")
    xsa_layers: int = Field(0, ge=0, description="last blocks with exclusive self-attention")
    bigram_size: int = Field(0, ge=0, le=MAX_TABLE_ROWS, description="rows of the bigram hash table; 0 is none")
    bigram_dim: int = Field(128, ge=1, le=16_384, description="width of the bigram table")
    trigram_size: int = Field(0, ge=0, le=MAX_TABLE_ROWS, description="rows of the trigram hash table; 0 is none")
    trigram_dim: int = Field(64, ge=1, le=16_384, description="width of the trigram table")
    value_embed_layers: int = Field(0, ge=0, description="last blocks whose values get a token embedding added")
    value_embed_dim: int = Field(64, ge=1, le=16_384, description="width of the value embedding table")
    isolate_documents: bool = Field(False, description="no position sees another document")
    embed_init_std: float = Field(0.005, gt=0, description="standard deviation of a tied token embedding at the start")

    @property
    def head_dim(self) -> int:
        """Return the width of a head."""
        return self.model_dim // self.num_heads

    @property
    def kv_dim(self) -> int:
        """Return the width of all keys, or of all values."""
        return self.num_kv_heads * self.head_dim

    @property
    def mlp_dim(self) -> int:
        """Return the hidden width of the MLP."""
        return int(self.mlp_mult * self.model_dim)

    @property
    def looped(self) -> range:
        """Return the numbers of the blocks that are run `loops` times."""
        return range(self.loop_first, self.loop_first + self.loop_blocks if self.loop_blocks else self.num_layers)

    @property
    def block_order(self) -> tuple[int, ...]:
        """Return the numbers of all blocks in the order in which they are run."""
        return (*range(self.looped.start), *(self.loops * (*self.looped,)), *range(self.looped.stop, self.num_layers))

    @property
    def depth(self) -> int:
        """Return how many blocks are run, each as often as it is."""
        return self.num_layers + (self.loops - 1) * len(self.looped)

    @property
    def rotated_dims(self) -> int:
        """Return the number of rotated dimensions of a head."""
        return self.rope_dims or self.head_dim

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        require(self.model_dim % self.num_heads == 0, "num_heads", f"a divisor of model_dim {self.model_dim}", self.num_heads)
        require(self.num_heads % self.num_kv_heads == 0, "num_kv_heads", f"a divisor of num_heads {self.num_heads}", self.num_kv_heads)
        require(
            self.rotated_dims <= self.head_dim and self.rotated_dims % 2 == 0,
            "rope_dims",
            f"an even number up to the head width {self.head_dim}",
            self.rotated_dims,
        )
        for name in ("bigram_size", "trigram_size"):
            require(getattr(self, name) != 1, name, "0 or at least 2 rows", 1)
        gate = self.head_gate_inputs
        require(gate <= self.model_dim, "head_gate_inputs", f"at most model_dim {self.model_dim}", gate)
        for name in ("xsa_layers", "value_embed_layers"):
            require(getattr(self, name) <= self.num_layers, name, f"at most num_layers {self.num_layers}", getattr(self, name))
        layers, first = self.num_layers, self.loop_first
        require(first < layers, "loop_first", f"a block, which num_layers {layers} counts from 0 to {layers - 1}", first)
        require(self.looped.stop <= layers, "loop_blocks", f"at most {layers - first}, the blocks from loop_first on", self.loop_blocks)
        require(self.depth <= MAX_BLOCKS, "loops", f"at most {MAX_BLOCKS} blocks run in all", self.depth)
        require(self.mlp_dim >= 1, "mlp_mult", "an MLP at least 1 wide", self.mlp_mult)
        return self


class TextConfig(RecipeTable):
    """The conversion of text to tokens, used by `prepare`."""

    tokenizer: TokenizerName = Field(
        "bpe", description="SentencePiece BPE; capitals, the same of text whose capitals are marked; or the 4 + 256 raw byte vocabulary"
    )
    across_words: bool = Field(False, description="BPE pieces may span words and spaces: fewer tokens of the same text")


class TrainConfig(RecipeTable):
    """The training run: batch, clock, precision, logs and checkpoints."""

    max_steps: int = Field(20_000, ge=0, description="stop after this many steps; 0 is no cap")
    max_seconds: float = Field(0.0, ge=0, description="stop after this much training time, compiling and validation aside; 0 is no cap")
    batch_tokens: int = Field(786_432, ge=1, description="tokens an optimiser step sees")
    micro_batch_tokens: int = Field(
        0, ge=0, description="tokens a forward pass sees on one process at most, gradients accumulated; 0 is the process's share of a batch"
    )
    sequence_length: int = Field(2048, ge=1, description="tokens in a training sequence")
    warmdown: float = Field(0.5, ge=0, le=1, description="last share of the run over which learning rates fall to 0")
    warmdown_steps: int = Field(
        0, ge=0, description="the same in steps, estimated from the pace so far where seconds are the cap; 0 is to use warmdown"
    )
    seed: int = Field(1, ge=0, description="seed of the initial weights and the order of sequences")
    init: Literal["orthogonal", "uniform"] = Field(
        "orthogonal", description="initial banks, where they are not zero: orthogonal matrices, or uniform in ±1/sqrt(inputs)"
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of compute; weights, averages and optimiser state stay float32; auto is bfloat16 where the device has it"
    )
    device: str = Field("auto", description="cpu, cuda, mps (Apple's GPU), or auto for the best at hand")
    compile: bool = Field(True, description="compile forward and backward before the clock starts, where there is a compiler")
    log_every: int = Field(10, ge=1, description="steps between two lines of the log")
    validate_every: int = Field(0, ge=0, description="steps between two validations; 0 is only after the last step")
    validate_bytes: int = Field(0, ge=0, description="held-out bytes a validation during training scores; 0 is all, as after the last step")
    checkpoint_every: int = Field(500, ge=0, description="steps between two checkpoints; 0 is none but on interruption")
    verify_every: int = Field(100, ge=0, description="steps between two checks that all processes hold the same weights; 0 is none")
    warmup_steps: int = Field(0, ge=0, description="steps on made-up tokens before the clock starts, which leave no trace")
    wandb: str = Field("", description="project of Weights & Biases to send the log to; empty is none")
    tensorboard: bool = Field(False, description="write the log for TensorBoard too, into the run folder")

    @model_validator(mode="after")
    def _batches_divide(self) -> Self:
        length = self.sequence_length
        require(self.batch_tokens % length == 0, "batch_tokens", f"a multiple of sequence_length {length}", self.batch_tokens)
        micro = self.micro_batch_tokens or self.batch_tokens
        require(
            micro % length == 0 and self.batch_tokens % micro == 0,
            "micro_batch_tokens",
            f"a multiple of sequence_length {length} that divides batch_tokens {self.batch_tokens}",
            micro,
        )
        require(self.max_steps > 0 or self.max_seconds > 0, "max_steps", "a cap in steps or in max_seconds", 0)
        return self


class OptimConfig(RecipeTable):
    """The optimisers: Muon for the banks, AdamW for the rest."""

    matrix_lr: float = Field(0.02, ge=0, description="Muon's learning rate, for the banks")
    matrix_weight_decay: float = Field(0.04, ge=0, description="decoupled decay of the banks")
    momentum: float = Field(0.99, ge=0, lt=1, description="Muon's Nesterov momentum")
    momentum_start: float = Field(0.92, ge=0, lt=1, description="momentum at step 0")
    momentum_warmup_steps: int = Field(1500, ge=0, description="steps over which momentum rises linearly")
    newton_schulz_steps: int = Field(5, ge=1, le=20, description="iterations of Muon's orthogonalisation")
    embed_lr: float = Field(0.03, ge=0, description="AdamW's learning rate for lookup tables")
    head_lr: float = Field(0.008, ge=0, description="AdamW's learning rate for an untied head")
    projection_lr: float = Field(0.02, ge=0, description="AdamW's learning rate for the projections of hash and value embeddings")
    scalar_lr: float = Field(0.02, ge=0, description="AdamW's learning rate for gains, gates and scales, which are never decayed")
    weight_decay: float = Field(0.04, ge=0, description="decoupled decay of tables and projections")
    beta1: float = Field(0.9, ge=0, lt=1, description="AdamW's first moment")
    beta2: float = Field(0.95, ge=0, lt=1, description="AdamW's second moment")
    adam_eps: float = Field(1e-8, gt=0, description="AdamW's epsilon")
    grad_clip: float = Field(0.3, ge=0, description="cap on the global gradient norm; 0 is none")


class AverageConfig(RecipeTable):
    """Weight averages, kept in float32. The final weights are the EMA if there is one, else the SWA mean."""

    ema_decay: float = Field(0.0, ge=0, lt=1, description="decay per step; 0 is no EMA")
    swa_below: float = Field(0.0, ge=0, le=1, description="collect weights while the learning-rate multiplier is below this; 0 is no SWA")
    swa_every: int = Field(50, ge=1, description="steps between two collected weights")


class QatConfig(RecipeTable):
    """Quantisation-aware training on the artifact's grid for `pack.budget`.

    Method rate uses the spacings that the packer would choose for the current weights; other methods use spacings from the
    bits that `plan` predicts for each class of weights.
    """

    start: float = Field(1.0, ge=0, le=1, description="progress at which fake quantisation begins and the EMA starts anew; 1 is never")
    below_scale: float = Field(
        0.0, ge=0, le=1, description="or as soon as the learning-rate multiplier falls below this, if that is earlier; 0 is never"
    )


class ScoreConfig(RecipeTable):
    """The scoring of held-out text."""

    window: int = Field(2048, ge=1, description="tokens in sight at most: a window's, or those of a streamed piece and its cache")
    stride: int = Field(64, ge=1, description="tokens between two windows of the sliding protocol, or in a piece of the streaming one")
    batch_tokens: int = Field(32_768, ge=1, description="tokens scored in one forward pass")

    @model_validator(mode="after")
    def _stride_fits(self) -> Self:
        require(self.stride <= self.window, "stride", f"at most window {self.window}", self.stride)
        return self


class TttConfig(RecipeTable):
    """Score-first test-time training (protocol `ttt`). Its sequences are `score.window` tokens long."""

    lr: float = Field(0.002, ge=0, description="SGD's learning rate at the first chunk; it falls to 0 along a cosine")
    epochs: int = Field(3, ge=0, description="passes over a chunk once it is scored")
    chunk_tokens: int = Field(32_768, ge=1, description="held-out tokens that are scored before they are trained on")
    freeze_blocks: int = Field(0, ge=0, description="first blocks that do not learn")
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD's momentum, kept from chunk to chunk")
    batch_sequences: int = Field(32, ge=1, description="sequences an update sees, over all processes")
    grad_clip: float = Field(1.0, ge=0, description="cap on the global gradient norm; 0 is none")
    enabled: bool = Field(False, description="after training by environment variables, also score with test-time training")


class LoraConfig(RecipeTable):
    """Low-rank adapters that learn each document while it is scored (protocol `lora`), in pieces of `score.stride` tokens, by AdamW."""

    rank: int = Field(8, ge=1, le=1024, description="rank of what is added to each matrix")
    lr: float = Field(0.005, ge=0, description="AdamW's learning rate")
    weight_decay: float = Field(0.5, ge=0, description="decoupled decay of the adapters")
    beta1: float = Field(0.0, ge=0, lt=1, description="AdamW's first moment")
    beta2: float = Field(0.99, ge=0, lt=1, description="AdamW's second moment")


class PackConfig(RecipeTable):
    """The artifact and how it is packed.

    Bits are what a normal distribution would cost on the grid; 0 lets `pack` choose them for the budget.
    """

    budget: int = Field(16_000_000, ge=1, description="bytes the artifact may have, decimal")
    mlp_bits: float = Field(0.0, ge=0, le=12, description="bits per weight of the MLP banks")
    attention_bits: float = Field(0.0, ge=0, le=12, description="bits per weight of the attention banks")
    embedding_bits: float = Field(0.0, ge=0, le=12, description="bits per weight of the token embedding and the head")
    table_bits: float = Field(0.0, ge=0, le=12, description="bits per weight of hash and value embeddings and their projections")
    method: MethodName = Field("rate", description="rate: trellises; gptq: grids, with error feedback; baseline: fixed widths")
    coder: CoderName = Field("range", description="range coder, or a general-purpose compressor over one byte a weight")
    mlp_int: Literal[4, 5, 6, 8] = Field(5, description="method baseline alone: bits of the integers of MLP banks")
    attention_int: Literal[4, 5, 6, 8] = Field(6, description="method baseline alone: bits of the integers of attention banks")
    calibration: CalibrationName = Field(
        "text", description="what method rate learns from: training text, text of the model's own, or random tokens"
    )
    calibration_tokens: int = Field(131_072, ge=1, description="tokens that methods rate and gptq learn from")
    damping: float = Field(0.01, gt=0, description="of the inputs' mean square, added to each by methods rate and gptq")
    act_order: bool = Field(True, description="methods rate and gptq round columns in order of their inputs' size, largest first")


class ExpertsConfig(RecipeTable):
    """Experts beside the model, which learn from the text that is already scored."""

    enabled: bool = Field(False, description="improve the model's predictions by what the text itself has shown so far")
    orders: int = Field(6, ge=1, le=16, description="tokens in the longest n-gram's context")
    skips: bool = Field(True, description="contexts that leave out one of the last tokens")
    indirect: bool = Field(True, description="a context of what followed the last token the last two times")
    match: int = Field(5, ge=1, le=32, description="tokens that must agree before a match is followed")
    candidates: int = Field(24, ge=0, le=256, description="tokens seen before that are decided about one by one; 0 is linear mixing alone")
    table_bits: int = Field(18, ge=4, le=24, description="logarithm of how many contexts are kept, 64 bytes each")
    history_bits: int = Field(20, ge=4, le=26, description="logarithm of how many tokens of each text a match may be found in")
    linear_rate: float = Field(0.3, ge=0, le=1, description="learning rate of the shares in the linear mixture")
    logistic_rate: float = Field(0.02, ge=0, le=1, description="learning rate of the weights of each decision")


class Recipe(RecipeTable):
    """A complete, resolved recipe of a run."""

    name: str = Field("custom", description="what the recipe is called")
    description: str = Field("", description="what it is for")
    text: TextConfig = TextConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    optim: OptimConfig = OptimConfig()
    average: AverageConfig = AverageConfig()
    qat: QatConfig = QatConfig()
    score: ScoreConfig = ScoreConfig()
    ttt: TttConfig = TttConfig()
    lora: LoraConfig = LoraConfig()
    experts: ExpertsConfig = ExpertsConfig()
    pack: PackConfig = PackConfig()

    @property
    def experts_used(self) -> ExpertsConfig | None:
        """Return the settings of the experts if there are to be any."""
        return self.experts if self.experts.enabled else None
