"""What the script of a submission does: train its recipe into an artifact and score it, or score the artifact beside it."""

import argparse
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from bytegolf.artifact.container import read_artifact
from bytegolf.artifact.finished_run import read_run
from bytegolf.config import Recipe
from bytegolf.contest.logs import CAP_BYTES
from bytegolf.errors import InputError, InterruptedRunError
from bytegolf.flow.pack import fit_run
from bytegolf.flow.train import train
from bytegolf.model.gpt import model_from_weights
from bytegolf.names import ProtocolName
from bytegolf.runtime.device import choose_device
from bytegolf.runtime.parallel import Group, joined
from bytegolf.runtime.progress import Progress
from bytegolf.scoring.ledger import Score
from bytegolf.scoring.protocols import score_tokens
from bytegolf.storage.files import write_atomically
from bytegolf.text.dataset import Dataset, open_data


def main(recipe: dict[str, Any], protocol: ProtocolName, code_bytes: int) -> None:
    """Do what the command line asks for; print the score, and the sizes that count, as one line of JSON."""
    given = _parser().parse_args()
    if given.show:
        shutil.copytree(Path(__file__).parents[1], given.show / "bytegolf", ignore=shutil.ignore_patterns("__pycache__"))
        return
    try:
        _work(given, Recipe.model_validate(recipe), protocol, code_bytes)
    except (InputError, InterruptedRunError) as error:
        raise SystemExit(f"error: {error}") from None


def _work(given: argparse.Namespace, chosen: Recipe, protocol: ProtocolName, code_bytes: int) -> None:
    """Train if there is no artifact yet, score it, and print the figures."""
    if given.seed is not None:
        chosen = chosen.model_copy(update={"train": chosen.train.model_copy(update={"seed": given.seed})})
    artifact = given.evaluate or train_and_pack(chosen, given.data, given.tokenizer, given.out, code_bytes)
    with joined() as group:
        started = time.perf_counter()
        score = evaluate(artifact, chosen, open_data(given.data, given.tokenizer), protocol, given.limit_bytes, group)
        if group.is_main:
            size = artifact.stat().st_size
            told = {"bpb": score.bpb, "bits": score.bits, "bytes": score.bytes, "tokens": score.tokens, "protocol": protocol}
            sizes = {"bytes_code": code_bytes, "bytes_model": size, "bytes_total": code_bytes + size}
            print(json.dumps({**told, **sizes, "seconds": time.perf_counter() - started}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train, pack and score; or, with --evaluate, score an artifact.")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("DATA_PATH", "data")), help="folder of shards and tokenizer")
    parser.add_argument("--tokenizer", type=Path, default=os.environ.get("TOKENIZER_PATH"), help="where it is not found beside the shards")
    parser.add_argument("--out", type=Path, default=Path("run"), help="folder of the run that training makes")
    parser.add_argument("--seed", type=int, default=os.environ.get("SEED"), help="another seed than the recipe's")
    parser.add_argument("--evaluate", type=Path, metavar="ARTIFACT", help="score this artifact and do not train")
    parser.add_argument("--limit-bytes", type=int, default=0, help="score only about the first N held-out bytes; 0 is all")
    parser.add_argument("--show", type=Path, metavar="FOLDER", help="write the sources of this script there, and do no more")
    return parser


def train_and_pack(recipe: Recipe, data: Path, tokenizer: Path | None, out: Path, code_bytes: int) -> Path:
    """Train a run, and pack it into what the code leaves of the cap. Returns the artifact's path."""
    train(recipe, data, out, tokenizer=tokenizer)
    trained, dataset = read_run(out), open_data(data, tokenizer)
    with joined() as group:
        group.once(lambda: write_atomically(trained.folder.artifact, fit_run(recipe, trained, dataset, CAP_BYTES, code_bytes).file.data))
    return trained.folder.artifact


def evaluate(artifact: Path, recipe: Recipe, dataset: Dataset, protocol: ProtocolName, limit_bytes: int, group: Group) -> Score:
    """Return the score of an artifact on held-out text. Raises InputError for an artifact of another tokenizer."""
    packed = read_artifact(artifact.read_bytes(), str(artifact))
    if packed.tokenizer.sha256 != dataset.tokenizer.sha256:
        raise InputError(f"{dataset.folder.root}: expected the tokenizer of {artifact}, found {dataset.tokenizer.name}")
    weights = {name: torch.from_numpy(values) for name, values in packed.decoded().items()}
    model = model_from_weights(packed.config, weights, choose_device("auto", group))
    tokens, num_bytes = dataset.held_out(limit_bytes)
    with Progress(f"score {protocol}", len(tokens) - 1, "tokens") as progress:
        return score_tokens(
            model,
            tokens,
            num_bytes,
            protocol,
            packed.score,
            progress.advance,
            ttt=recipe.ttt,
            lora=recipe.lora,
            experts=packed.experts,
            group=group,
        )
