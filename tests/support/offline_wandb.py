"""What Weights & Biases keeps in its offline mode, read by its format: LevelDB's log, in blocks of 32 KiB, of protocol buffers."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

BLOCK, HEADER = 1 << 15, 7
WHOLE_OR_LAST = (1, 4)


def offline_series(file: Path) -> dict[str, list[tuple[int, float]]]:
    """Return every series of a run: steps and numbers, in the order in which they were logged."""
    from wandb.proto import wandb_internal_pb2 as messages  # whose classes are made when it is imported

    series: dict[str, list[tuple[int, float]]] = {}
    for data in _records(file.read_bytes()):
        record = messages.Record.FromString(data)  # type: ignore[attr-defined]
        row = {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for name, value in row.items():
            if not name.startswith("_"):
                series.setdefault(name, []).append((row["_step"], value))
    return series


def _records(log: bytes) -> Iterator[bytes]:
    """Yield the records of a log, whose first seven bytes say what it is."""
    place, part = HEADER, b""
    while place + HEADER <= len(log):
        if (left := BLOCK - place % BLOCK) < HEADER:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", log[place : place + HEADER])
        part += log[place + HEADER : place + HEADER + size]
        place += HEADER + size
        if kind in WHOLE_OR_LAST:
            yield part
            part = b""
