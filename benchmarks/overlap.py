"""How fast `audit --data` compares training with held-out documents, in how much memory, and what it finds of what was planted.

    python benchmarks/overlap.py                                            # both vocabularies, on small and larger corpora
    python benchmarks/overlap.py --train-mb 300 --held-out 50000 --vocab 1024   # as many held-out documents as the contest has

Documents of about 3 KB are lines drawn from the Python standard library. Of the held-out ones one in a hundred is planted in
training as it is, and one in a hundred with one line in twenty replaced. Each measurement runs in a process of its own, whose
peak memory is told. Speeds are of the training text in bytes; reading the held-out side first is told apart. Prints a table and
writes benchmarks/results/overlap.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bytegolf.arrays import Tokens
from bytegolf.auditing.overlap.held_out import read_held_out
from bytegolf.auditing.overlap.near import NearDuplicates
from bytegolf.auditing.overlap.report import compare_documents
from bytegolf.config import BOS
from bytegolf.storage.files import write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.corpus import open_corpus
from bytegolf.text.dataset import open_data
from bytegolf.text.shards import ShardWriter
from bytegolf.text.tokenizer import BytesTokenizer, Tokenizer
from bytegolf.text.tokenizer_training import train_bpe

RESULTS = Path(__file__).parent / "results"
DOCUMENT_LINES = 70
ONE_IN = 100  # held-out documents are planted, of each kind


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train-mb", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--held-out", type=int, default=1000)
    parser.add_argument("--vocab", type=int, nargs="+", default=[0, 1024], help="0 is the bytes")
    parser.add_argument("--measure", choices=("exact", "near"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.data, arguments.measure == "near")))
        return
    rows = [row for vocab in arguments.vocab for megabytes in arguments.train_mb for row in compare(vocab, megabytes, arguments.held_out)]
    print(f"{'vocabulary':>10}{'training':>10}{'held out':>10}{'part':>7}{'MB/s':>8}{'index':>8}{'peak':>9}{'found':>14}")
    for row in rows:
        found = f"{row['found']} of {row['planted']}"
        print(
            f"{row['vocabulary']:>10}{row['train_bytes'] / 1e6:>7.0f} MB{row['held_out']:>10}{row['part']:>7}{row['mb_per_second']:>8.1f}"
            f"{row['index_seconds']:>6.1f} s{row['peak_mb']:>6.0f} MB{found:>14}"
        )
    file = RESULTS / "overlap.json"
    kept = json.loads(file.read_text())["results"] if file.exists() else []
    key = ("vocabulary", "train_mb", "held_out", "part")
    results = [old for old in kept if all(any(old[name] != row[name] for name in key) for row in rows)]
    write_json(file, {"date": f"{date.today()}", "machine": provenance(), "results": results + rows})


def compare(vocab: int, megabytes: int, held_out: int) -> list[dict[str, Any]]:
    """Make a data folder, and return the measurement of both parts on it."""
    with tempfile.TemporaryDirectory() as root:
        folder, planted = Path(root) / "data", make_data(Path(root) / "data", vocab, megabytes * 1_000_000, held_out)
        rows = []
        for part in ("exact", "near"):
            command = [sys.executable, __file__, "--measure", part, "--data", str(folder)]
            measured = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            setting = {"vocabulary": vocab or 260, "train_mb": megabytes, "held_out": held_out, "part": part, "planted": planted}
            rows.append({**setting, **measured})
    return rows


def measure(folder: Path, near: bool) -> dict[str, Any]:
    """Return the speed of one part, what it found, and this process's peak memory."""
    tokenizer = next(path for path in (folder / "bytes", folder / "tokenizer.model") if path.exists())
    dataset = open_data(folder, tokenizer)
    train_bytes = sum(dataset.tokenizer.total_bytes(dataset.train[at : at + 10**7]) for at in range(0, len(dataset.train), 10**7))
    started = time.perf_counter()
    held_out = read_held_out(dataset)
    if near:
        NearDuplicates(held_out)
    index = time.perf_counter() - started
    started = time.perf_counter()
    report = compare_documents(dataset, near=near)
    seconds = time.perf_counter() - started - index
    return {
        "train_bytes": train_bytes,
        "mb_per_second": train_bytes / seconds / 1e6,
        "index_seconds": index,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        "found": report.near_duplicates if near else report.exact_duplicates,
    }


def make_data(folder: Path, vocab: int, train_bytes: int, held_out: int) -> int:
    """Make the shards of a folder and return how many documents of each kind were planted."""
    texts = [document.text for document in open_corpus(["stdlib"])]
    tokenizer: Tokenizer = train_bpe(texts, vocab) if vocab else BytesTokenizer()
    lines = sorted({line for text in texts for line in text.splitlines(keepends=True) if len(line) > 20})
    encoded, draw = tokenizer.encode_batch(lines), np.random.default_rng(0)
    folder.mkdir()
    (folder / tokenizer.file_name).write_bytes(tokenizer.serialised)

    def document(numbers: np.ndarray[Any, Any]) -> Tokens:
        return np.concatenate([np.array([BOS], dtype=np.uint16), *(encoded[number] for number in numbers)])

    planted: list[np.ndarray[Any, Any]] = []
    with ShardWriter(folder, "val") as writer:
        for index in range(held_out):
            numbers = draw.integers(len(lines), size=DOCUMENT_LINES)
            writer.write(document(numbers))
            if index % ONE_IN == 0:
                planted.append(numbers)
            elif index % ONE_IN == 1:
                edited = numbers.copy()
                edited[::20] = draw.integers(len(lines), size=len(edited[::20]))
                planted.append(edited)
    written, mean = 0, float(np.mean([len(line.encode()) for line in lines])) * DOCUMENT_LINES
    with ShardWriter(folder, "train") as writer:
        for numbers in planted:
            writer.write(document(numbers))
        while written < train_bytes:
            writer.write(document(draw.integers(len(lines), size=DOCUMENT_LINES)))
            written += int(mean)
    return len(planted) // 2


if __name__ == "__main__":
    main()
