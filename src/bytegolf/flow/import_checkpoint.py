"""A run of weights that another program trained."""

from pathlib import Path

from bytegolf.artifact.baseline_names import translate
from bytegolf.artifact.foreign_checkpoint import read_tensors
from bytegolf.config import Recipe
from bytegolf.errors import InputError
from bytegolf.flow.results import ImportResult
from bytegolf.model.gpt import parameter_count
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.tokenizer import load_tokenizer
from bytegolf.training.run_record import record_import


def import_checkpoint(checkpoint: Path, out: Path, *, recipe: Recipe, tokenizer: Path) -> ImportResult:
    """Make a run of weights that another program trained: of the seed system's scripts, or under this package's names.

    Raises InputError if they are not the recipe's model, or `out` exists.
    """
    vocabulary = load_tokenizer(tokenizer)
    if vocabulary.vocab_size != recipe.model.vocab_size:
        raise InputError(f"{tokenizer}: expected the recipe's model.vocab_size {recipe.model.vocab_size}, found {vocabulary.vocab_size}")
    parameters = parameter_count(recipe.model)
    weights = translate(read_tensors(checkpoint, parameters), recipe.model, str(checkpoint))
    record_import(RunFolder(out), recipe, weights, vocabulary, checkpoint)
    return ImportResult(str(out), str(checkpoint), recipe.name, parameters)
