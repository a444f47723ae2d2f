"""How fast `prepare` is by its number of workers, and how much memory it takes by the size of the text.

    python benchmarks/prepare.py --workers 1 2 --repeat 3           # the same text, again and again
    python benchmarks/prepare.py --sizes 10 100 1000 3000           # texts of so many MB, by two workers into the bytes

Documents of about 3 KB are lines drawn from the Python standard library, a record of JSON each; one in twenty is held out, as by
default. Every measurement is the command itself, with all that it does from the first pass to the overlap. Of the repetitions the
fastest counts for each number of workers, and they take turns, since other work on the machine slows now one and now another.
Beside the time stands what all processors spent, and what of that the one process did that reads and writes: other work on the machine
does not change these, and they tell what more workers cost and what they cannot share. Memory is the peak of the process
that reads and writes, and that of the largest worker. Prints a table and writes benchmarks/results/prepare.json.
"""

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import bytegolf as bg
from bytegolf.storage.files import sha256_of, write_json
from bytegolf.storage.provenance import provenance
from bytegolf.text.corpus import open_corpus
from bytegolf.text.tokenizer_training import train_bpe

RESULTS = Path(__file__).parent / "results" / "prepare.json"
DOCUMENT_LINES = 70
VOCABULARY = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[], help="numbers of workers to compare")
    parser.add_argument("--mb", type=int, default=50, help="of the text for that")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="of texts, in MB, whose memory to measure")
    parser.add_argument("--folder", type=Path, help="where the texts and the data go; four times the largest size is needed")
    parser.add_argument("--measure", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as root:
        model = Path(root) / "tokenizer.model"
        model.write_bytes(train_bpe([document.text for document in open_corpus(["stdlib"])], VOCABULARY).serialised)
        dated = {"date": f"{date.today()}", "machine": provenance()}
        if arguments.workers:
            kept["speed"] = {**dated, "mb": arguments.mb, "rows": speeds(Path(root), model, arguments)}
        if arguments.sizes:
            kept["memory"] = {**dated, "rows": [memory(Path(root), megabytes) for megabytes in arguments.sizes]}
    write_json(RESULTS, kept)


def speeds(root: Path, model: Path, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the fastest measurement of each number of workers, and check that all make the same data."""
    text = write_text(root / "text.jsonl", arguments.mb)
    best: dict[int, dict[str, Any]] = {}
    hashes = set()
    for _ in range(arguments.repeat):
        for count in arguments.workers:
            row = measured(root, text, model, count)
            hashes.add(row.pop("sha256"))
            if count not in best or row["seconds"] < best[count]["seconds"]:
                best[count] = row
    assert len(hashes) == 1, "expected the same bytes by any number of workers"
    one = best[min(best)]["seconds"]
    print(f"{'workers':>8}{'seconds':>10}{'MB/s':>8}{'times':>8}{'processors':>12}{'reader':>9}")
    for count, row in sorted(best.items()):
        row["times"] = one / row["seconds"]
        spent = f"{row['processor_seconds']:>10.1f} s{row['reader_seconds']:>7.1f} s"
        print(f"{count:>8}{row['seconds']:>10.1f}{row['mb_per_second']:>8.1f}{row['times']:>8.2f}{spent}")
    return [row for _, row in sorted(best.items())]


def memory(root: Path, megabytes: int) -> dict[str, Any]:
    """Return the measurement of a text of a size, by two workers."""
    text = write_text(root / "text.jsonl", megabytes)
    row = measured(root, text, "bytes", 2)
    print(f"{megabytes:>8} MB{row['peak_mb']:>10.0f} MB{row['worker_peak_mb']:>10.0f} MB{row['mb_per_second']:>8.1f} MB/s", flush=True)
    return {"mb": megabytes, **row}


def measured(root: Path, text: Path, tokenizer: object, workers: int) -> dict[str, Any]:
    """Return what a process of its own measures."""
    command = [sys.executable, __file__, "--measure", str(text), str(root / "data"), str(tokenizer), str(workers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row: dict[str, Any] = json.loads(done.stdout)
    for path in (root / "data").iterdir():
        path.unlink()
    (root / "data").rmdir()
    return row


def measure(text: str, out: str, tokenizer: str, workers: str) -> dict[str, Any]:
    """Prepare a text in this process and its workers, and return times, memory and a hash of what was made."""
    before, started = os.times(), time.perf_counter()
    manifest = bg.prepare([text], Path(out), tokenizer=tokenizer, workers=int(workers))
    seconds, after = time.perf_counter() - started, os.times()
    peak = int(re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[0]) / 1e3  # Linux: maxrss is also of who started this
    return {
        "workers": int(workers),
        "seconds": seconds,
        "processor_seconds": sum(after[:4]) - sum(before[:4]),
        "reader_seconds": sum(after[:2]) - sum(before[:2]),
        "mb_per_second": (manifest.train_bytes + manifest.val_bytes) / 1e6 / seconds,
        "peak_mb": peak,
        "worker_peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3,
        "held_out": manifest.val_documents,
        "sha256": sha256_of(Path(out) / "manifest.json"),
    }


def write_text(path: Path, megabytes: int) -> Path:
    """Write a file of records of about so many MB of text."""
    with path.open("w") as file:
        for text in texts(megabytes * 1_000_000):
            file.write(json.dumps({"text": text}) + "\n")
    return path


def texts(size: int) -> Iterator[str]:
    """Yield documents of lines drawn at random, of `size` bytes together."""
    lines = sorted({line for document in open_corpus(["stdlib"]) for line in document.text.splitlines(keepends=True) if len(line) > 20})
    draw = random.Random(0)
    while size > 0:
        yield (text := "".join(draw.choices(lines, k=DOCUMENT_LINES)))
        size -= len(text.encode())


if __name__ == "__main__":
    main()
