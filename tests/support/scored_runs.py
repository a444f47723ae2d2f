"""Run folders that hold a recipe, a manifest and scores, and nothing that takes time to make."""

import json
from pathlib import Path
from typing import Any

from bytegolf.config import Recipe
from bytegolf.recipes import recipe_toml
from bytegolf.storage.run_folder import RunFolder
from support.runs import micro

MANIFEST = {
    "recipe": "micro", "parameters": 10, "steps": 4, "seconds": 1.0, "tokens_per_second": 10.0, "val_bpb": None,
    "bytes_per_token": 2.0, "data_sha256": "aa", "tokenizer_sha256": "bb", "code_sha256": "cc", "python": "3.11", "torch": "2",
    "platform": "here",
}  # fmt: skip


def scored_run(
    root: Path, seed: int, bpb: float | None = None, *, protocol: str = "sliding", recipe: Recipe | None = None, **scored: Any
) -> Path:
    """Make the folder of a run with a seed. It keeps `bpb` as the score of its artifact under `protocol`, if that is given."""
    run = RunFolder(root)
    root.mkdir(parents=True, exist_ok=True)
    chosen = recipe or micro(f"train.seed={seed}")
    run.recipe.write_text(recipe_toml(chosen))
    run.manifest.write_text(json.dumps({**MANIFEST, "val_bpb": scored.pop("val_bpb", None)}))
    if bpb is not None:
        record = {"bpb": bpb, "protocol": protocol, "of": "artifact.bgz", "sha256": "dd", "bytes": 3000, "tokens": 1000, "data": "ee"}
        run.score(protocol).write_text(json.dumps({**record, **scored}))
    return root
