"""Weights that another program trained -> a run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bytegolf.artifact.baseline_names import translate
from bytegolf.artifact.foreign_checkpoint import read_tensors
from bytegolf.config import Recipe
from bytegolf.errors import ParameterError
from bytegolf.model.shapes import parameter_count
from bytegolf.storage.claim import claimed
from bytegolf.storage.run_folder import RunFolder
from bytegolf.text.tokenizer import load_tokenizer
from bytegolf.training.run_record import record_import


@dataclass(frozen=True)
class ImportResult:
    """A run made of another program's checkpoint."""

    run: str
    checkpoint: str
    recipe: str
    parameters: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return asdict(self)


def import_checkpoint(checkpoint: Path, out: Path, *, recipe: Recipe, tokenizer: Path) -> ImportResult:
    """Make a finished run of weights that another program trained: of the baseline's scripts, or under this package's names.

    Raises InputError if they are not the recipe's model, or `out` exists.
    """
    vocabulary = load_tokenizer(tokenizer)
    if vocabulary.vocab_size != recipe.model.vocab_size:
        expected = f"expected the recipe's model.vocab_size {recipe.model.vocab_size} in {tokenizer}"
        raise ParameterError("tokenizer", f"{expected}, found {vocabulary.vocab_size}; give the one that the checkpoint was trained with")
    parameters = parameter_count(recipe.model)
    weights = translate(read_tensors(checkpoint, parameters), recipe.model, str(checkpoint))
    with claimed(out, folder=True):
        record_import(RunFolder(out), recipe, weights, vocabulary, checkpoint)
    return ImportResult(str(out), str(checkpoint), recipe.name, parameters)
