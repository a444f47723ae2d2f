"""What a finished run records, all of it; and records as plain JSON."""

import json
from pathlib import Path
from typing import Any

MANIFEST = {
    "recipe": "tiny", "parameters": 1_234_567, "steps": 8_642, "seconds": 1_357.9, "tokens_per_second": 24_680.2, "val_bpb": 1.23456789,
    "bytes_per_token": 2.5, "data_sha256": "da7a" * 16, "tokenizer_sha256": "70ce" * 16, "replay": None,
    "python": "3.11.7", "torch": "2.13.0", "platform": "Linux", "code_sha256": "c0de" * 16,
}  # fmt: skip


def read_json(path: Path) -> Any:
    return json.loads(path.read_bytes())
