"""A run on disk: how it begins, what it leaves when it ends, and how it is read again."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import save as serialise
from torch import Tensor

from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.model.gpt import parameter_count
from bytegolf.recipes import load_recipe, recipe_toml
from bytegolf.storage.files import atomic_file, clear_partial, sha256_of, write_atomically, write_json
from bytegolf.storage.provenance import provenance
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.dataset import Dataset
from bytegolf.text.tokenizer import Tokenizer


def begin_run(run: RunFolder, recipe: Recipe, tokenizer: Tokenizer, resume: bool) -> bool:
    """Make the run folder, or check that it holds this recipe's run; True if that is finished already.

    Raises InputError if the folder exists and is not to be resumed, or began with another recipe.
    """
    if not run.root.exists() or (resume and not run.recipe.exists()):
        run.root.mkdir(parents=True, exist_ok=True)
        write_atomically(run.root / tokenizer.file_name, tokenizer.serialised)
        write_atomically(run.recipe, recipe_toml(recipe))
        return False
    if not resume:
        raise InputError(f"{run.root}: expected a new run folder, found an existing one; continue it with --resume or choose another --out")
    changed = difference(load_recipe(run.recipe), recipe)
    if changed:
        raise InputError(f"{run.root}: expected the recipe the run began with, found {changed}")
    held = run.root / tokenizer.file_name
    if not held.exists() or held.read_bytes() != tokenizer.serialised:
        raise InputError(f"{run.root}: expected the tokenizer the run began with, found another in the data folder")
    if run.manifest.exists():
        return True
    for folder in (run.root, run.checkpoints):
        clear_partial(folder)
    return False


@contextmanager
def resumable(run: RunFolder) -> Iterator[None]:
    """What the file system refuses in here, a full disk most of all, ends in one line: a run loses nothing by it.

    Raises InputError in the place of OSError.
    """
    try:
        yield
    except OSError as error:
        where, why = error.filename or run.root, error.strerror or error
        raise InputError(f"{where}: {why}; what was saved before still holds, continue with --resume") from error


def finish_run(run: RunFolder, recipe: Recipe, weights: Mapping[str, Tensor], dataset: Dataset, replay: Mapping[str, str] | None) -> None:
    """Write the final weights, then the manifest that marks the run as finished; `replay` is what run it repeated, if any."""
    _write_weights(run, weights)
    write_json(run.manifest, {**_manifest(run, recipe, dataset), "replay": replay})


def record_import(run: RunFolder, recipe: Recipe, weights: Mapping[str, Tensor], tokenizer: Tokenizer, checkpoint: Path) -> None:
    """A new run folder of weights that another program trained. What only training knows is null in its manifest.

    Raises InputError if the folder exists.
    """
    begin_run(run, recipe, tokenizer, resume=False)
    event = {"event": "import", "checkpoint": checkpoint.name, "sha256": sha256_of(checkpoint)}
    write_atomically(run.log, json.dumps(event) + "\n")
    _write_weights(run, weights)
    unknown = dict.fromkeys(("seconds", "tokens_per_second", "val_bpb", "data_sha256", "replay"))
    manifest = {"recipe": recipe.name, "parameters": parameter_count(recipe.model), "steps": 0, **unknown, "imported": event}
    write_json(run.manifest, {**manifest, "tokenizer_sha256": tokenizer.sha256, **provenance()})


def _write_weights(run: RunFolder, weights: Mapping[str, Tensor]) -> None:
    with atomic_file(run.weights) as file:
        file.write(serialise({name: weight.float().cpu().contiguous() for name, weight in weights.items()}))


def difference(old: Recipe, new: Recipe) -> str:
    """The first key in which two recipes differ, with both values; empty if they agree but in name."""
    before, after = old.model_dump(), new.model_dump()
    for section, values in before.items():
        if isinstance(values, dict):
            for key, value in values.items():
                if value != after[section][key]:
                    return f"{section}.{key} = {after[section][key]} instead of {value}"
    return ""


def _manifest(run: RunFolder, recipe: Recipe, dataset: Dataset) -> dict[str, Any]:
    """What the run came to and all it depended on."""
    events = run.events()
    validation = next(event for event in reversed(events) if event["event"] == "validate")
    done = events[-1]
    return {
        "recipe": recipe.name,
        "parameters": parameter_count(recipe.model),
        "steps": done["step"],
        "seconds": done["seconds"],
        "tokens_per_second": done["step"] * recipe.train.batch_tokens / done["seconds"],
        "val_bpb": validation["bpb"],
        "data_sha256": dataset.sha256,
        "tokenizer_sha256": dataset.tokenizer.sha256,
        **provenance(),
    }
