"""A small repository of published shards, laid out like the contest's, for a fake hub to serve."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import sentencepiece

from bytegolf.config import BOS
from bytegolf.text.hub import HubPlace
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BytesTokenizer

REPO, ROOT = "somebody/golf", "deep/down"
PLACE = HubPlace(REPO, root=ROOT)
HELD_OUT = ["first  ﬁne text", "    indented", "third\n\nline"]
TRAINED = [inspect.getsource(inspect)[i * 300 :][:300] for i in range(20)]
SHARD_TOKENS = {"train": 700, "val": 12}
TRAIN_SHARDS = 6  # of variant sp512
TRAIN_0, TRAIN_1, TRAIN_2 = (f"fineweb_train_{index:06d}.bin" for index in range(3))
VAL_0, VAL_1 = (f"fineweb_val_{index:06d}.bin" for index in range(2))
MANIFEST = f"{ROOT}/manifest.json"
DOCUMENTS = f"{ROOT}/docs_selected.jsonl"


def in_repo(shard: str) -> str:
    """Return the path in the repository of a shard of variant sp512."""
    return f"{ROOT}/datasets/fineweb10B_sp512/{shard}"


def in_place(shard: str) -> str:
    """Return the path in the place's folder of a shard of variant sp512."""
    return f"datasets/fineweb10B_sp512/{shard}"


def published_files(model: bytes, scratch: Path) -> dict[str, bytes]:
    """Return the repository's files by path: two variants, the tokenizer `model`, the documents and the manifest.

    `scratch` is an empty folder to write in.
    """
    plain, raw = sentencepiece.SentencePieceProcessor(model_proto=model), BytesTokenizer()
    files = _shards("fineweb10B_sp512", plain.encode, scratch)
    files |= _shards("fineweb10B_byte260", lambda text: raw.encode(text).tolist(), scratch)
    files[f"{ROOT}/tokenizers/fineweb_512_bpe.model"] = model
    files[DOCUMENTS] = "".join(json.dumps({"text": text}) + "\n" for text in (*HELD_OUT, *TRAINED)).encode()
    files[MANIFEST] = json.dumps({
        "version": "10B",
        "datasets": [
            _listed("fineweb10B_sp512", "sp_bpe_512", files),
            _listed("fineweb10B_byte260", "pure_byte_260", files),
            {"name": "fineweb10B_sp4096", "tokenizer_name": "sp_bpe_4096", "status": "planned"},
        ],
        "tokenizers": [
            {"name": "sp_bpe_512", "kind": "sentencepiece_bpe", "model_path": "tokenizers/fineweb_512_bpe.model"},
            {"name": "pure_byte_260", "kind": "byte", "path": "tokenizers/fineweb_pure_byte_260.json"},
        ],
    }).encode()  # fmt: skip
    return files


def _shards(dataset: str, encode: Callable[[str], list[int]], scratch: Path) -> dict[str, bytes]:
    folder = scratch / dataset
    folder.mkdir()
    for split, texts in (("train", TRAINED), ("val", HELD_OUT)):
        with ShardWriter(folder, f"fineweb_{split}", SHARD_TOKENS[split]) as writer:
            for text in texts:
                writer.write([BOS, *encode(text)])
    return {f"{ROOT}/datasets/{dataset}/{path.name}": path.read_bytes() for path in folder.iterdir()}


def _listed(dataset: str, tokenizer: str, files: dict[str, bytes]) -> dict[str, object]:
    counts = {split: len([path for path in files if f"{dataset}/fineweb_{split}" in path]) for split in ("train", "val")}
    stats = {"files_train": counts["train"], "files_val": counts["val"], "tokens_total": 9}
    return {"name": dataset, "tokenizer_name": tokenizer, "path": f"datasets/{dataset}", "stats": stats}
