"""Scoring by several real processes, which meet over gloo."""

import datetime
import json
from pathlib import Path

import torch
import torch.distributed as dist

from bytegolf.config import TttConfig
from bytegolf.runtime.parallel import Group
from bytegolf.scoring.protocols import score_tokens
from support.models import changed, random_model
from support.scored_texts import config, random_tokens

# Shares of every kind: equal, unequal, none; a last batch of another size; nothing to learn.
CASES: dict[str, dict[str, float]] = {
    "three sequences in a batch": {"chunk_tokens": 24, "batch_sequences": 3},
    "one sequence in a batch": {"chunk_tokens": 24, "batch_sequences": 1},
    "a last batch of one": {"chunk_tokens": 40, "batch_sequences": 2},
    "equal shares": {"chunk_tokens": 32, "batch_sequences": 4},
    "some blocks frozen": {"chunk_tokens": 24, "batch_sequences": 3, "freeze_blocks": 2},
    "gradients cut short": {"chunk_tokens": 24, "batch_sequences": 3, "lr": 1.0, "grad_clip": 0.01},
    "a single chunk": {"chunk_tokens": 1000},
    "no chunk holds a sequence": {"chunk_tokens": 5},
}


def bpb(group: Group) -> dict[str, float]:
    """The score of each case, of one byte a token."""
    model, tokens, layout = random_model(changed()), random_tokens(100, 48), config(8, 3, 16)
    hows = {name: TttConfig.model_validate({"lr": 0.05, "epochs": 2, **values}) for name, values in CASES.items()}
    return {name: score_tokens(model, tokens, 99, "ttt", layout, ttt=how, group=group).bpb for name, how in hows.items()}


def process(rank: int, size: int, folder: str) -> None:
    """One of `size`: writes what it found to a file of its own. Processes that do not meet fail after a while."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", datetime.timedelta(minutes=3), size, rank)
    Path(folder, f"{rank}.json").write_text(json.dumps(bpb(Group(rank, size))))
    dist.barrier()  # as a run's processes wait for each other: gloo aborts one whose peer is gone while it still listens
    dist.destroy_process_group()
