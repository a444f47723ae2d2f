"""The runs and models that golden figures are kept of. Text and weights come from integers alone, so that they are the same everywhere."""

from math import prod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bytegolf.config import ModelConfig, PackConfig, Recipe
from bytegolf.model.gpt import GPT
from bytegolf.model.shapes import parameter_shapes
from bytegolf.model.weights import WeightClass, Weights, weight_class
from bytegolf.packing.fit import Fitted
from bytegolf.packing.methods import GridLadder
from bytegolf.packing.search import largest_fitting
from bytegolf.recipes import load_recipe
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.shards import ShardWriter, TokenStream
from bytegolf.text.tokenizer import BytesTokenizer
from support.models import changed
from support.runs import new_trainer

RECIPE = Path(__file__).with_name("golden.toml")

# --- losses

RUNS = {"exact": ("qat.start=1.0",), "late QAT": ("qat.start=0.85",), "untied head": ("qat.start=1.0", "model.tie_embeddings=false")}
COARSE: dict[WeightClass, float] = {"mlp": 2.5, "attention": 3.0, "embedding": 4.0, "table": 2.5, "projection": 3.0}


def raw(count: int, seed: int) -> NDArray[np.uint64]:
    """Bits of PCG64, which NumPy promises never to change."""
    return np.random.PCG64(seed).random_raw(count)


def corpus(tokens: int = 8192) -> NDArray[np.uint16]:
    """Documents of a few words, as byte tokens: of forty words, the first ones are the most frequent."""
    letters = (raw(40 * 6, seed=1) % 12 + 97 + 4).reshape(40, 6).astype(np.uint16)
    words = [np.append(word[: 2 + index % 5], 32 + 4) for index, word in enumerate(letters)]
    choices = raw(tokens, seed=2)
    text = [[1] if choice % 11 == 0 else words[int(choice) % 40 * (int(choice) // 64 % 40) // 40] for choice in choices]
    return np.concatenate(text)[:tokens].astype(np.uint16)


def golden_losses(case: str, folder: Path) -> dict[str, list[float]]:
    """The loss of each step, and bits per token of the final averaged weights."""
    recipe = load_recipe(RECIPE, RUNS[case])
    with ShardWriter(folder, "train") as writer:
        writer.write(corpus())
    stream = TokenStream(sorted(folder.glob("train_*.bin")))
    held_out = corpus(9000)[8192:]

    def validate(weights: Weights, limit_bytes: int) -> dict[str, float | None]:
        model = GPT(recipe.model)
        model.load_state_dict(weights)
        score = score_tokens(model, held_out, len(held_out), "sliding", recipe.score)
        return {"bits": score.bits / score.tokens, "bpb": score.bpb}

    trainer = new_trainer(folder / "run", recipe, stream, bits=COARSE)
    trainer.fit(validate)
    found = RunFolder(folder / "run").events()
    return {kind: [event[key] for event in found if event["event"] == kind] for kind, key in (("step", "loss"), ("validate", "bits"))}


# --- sizes

EVERYTHING = changed(vocab_size=260)
TWELVE = changed(vocab_size=260, num_layers=12, model_dim=32, xsa_layers=4, value_embed_layers=2, trigram_size=0, isolate_documents=False)
SIZES: dict[str, tuple[ModelConfig, PackConfig]] = {
    "every switch, bits given": (EVERYTHING, PackConfig(mlp_bits=4.0, attention_bits=4.5, embedding_bits=6.0, table_bits=3.0)),
    "every switch, 12,000 bytes": (EVERYTHING, PackConfig(budget=12_000)),
    "12 layers, untied, 64,000 bytes": (TWELVE.model_copy(update={"tie_embeddings": False}), PackConfig(budget=64_000)),
    "12 layers, 64,000 bytes, MLP at 3 bits": (TWELVE, PackConfig(budget=64_000, mlp_bits=3.0)),
}
BY_LIBRARIES = ("header", "tokenizer")  # deflate and LZMA decide on these few bytes, and not every zlib is the same


def golden_weights(config: ModelConfig) -> dict[str, Tensor]:
    """Nearly normal; whole numbers up to 126 over a power of two, so that sums of squares are exact in any order."""
    weights = {}
    for salt, (name, shape) in enumerate(parameter_shapes(config).items()):
        bits = raw(prod(shape), seed=100 + salt)
        whole = sum((bits >> np.uint64(6 * field) & np.uint64(63)).astype(np.int64) for field in range(4)) - 126
        weight = torch.from_numpy(whole).float().reshape(shape) * 2.0 ** -(8 + salt % 3)
        if weight_class(name) != "control":
            weight[..., 5::11, :] = 0
        weights[name] = weight
    return weights


def golden_sizes(case: str) -> dict[str, int]:
    """Bytes of each section. The budget is for all but header and tokenizer, so that their bytes decide on no others."""
    config, pack = SIZES[case]
    ladder = GridLadder(golden_weights(config), Recipe(model=config, pack=pack), BytesTokenizer())

    def own_size(fitted: Fitted) -> int:
        return fitted.size - sum(fitted.file.sections[name] for name in BY_LIBRARIES)

    return largest_fitting(lambda level: Fitted.of(ladder.at(level)), own_size, pack.budget, ladder.lowest, ladder.highest).file.sections
