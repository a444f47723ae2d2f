"""What the logs beside a script say: scores, sizes, times, seeds.

Nothing found here flags a script by itself: a folder may hold logs of other runs.
"""

import math
import re
from dataclasses import dataclass, field

from bytegolf.contest.evidence import ReviewFinding, Weight

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?|nan|inf)"
SCORE = re.compile(rf"(?:val_)?loss[:=]\s*{NUMBER}[,\s]+(?:val_)?bpb[:=]\s*{NUMBER}", re.IGNORECASE)
TOTAL_SIZE = re.compile(r"Total submission size[^:\n]*:\s*([\d,]+)\s*bytes", re.IGNORECASE)
CODE_SIZE = re.compile(r"Code size[^:\n]*:\s*([\d,]+)\s*bytes", re.IGNORECASE)
TRAIN_TIME = re.compile(r"train_time:\s*(\d+(?:\.\d+)?)ms")
TOKENS = re.compile(r"\btokens:\s*(\d{6,})")
SHARDS = re.compile(r"train_shards:\s*(\d+)|shards=(\d+)")
SEED = re.compile(r"\bseed[:=]\s*(\d+)", re.IGNORECASE)

SPLIT_BYTES = 151_080_000  # UTF-8 bytes of the whole held-out split, whatever the tokenizer
SPLIT_TOLERANCE = 0.004
BYTES_PER_TOKEN = {1024: (2.436,), 4096: (3.320,), 8192: (3.727, 3.157)}  # 3.157 with case tokens
CAP_BYTES = 16_000_000
TRAIN_SECONDS = 600
PUBLISHED_SHARDS = 200  # 80 with 1,024 pieces, up to 143 with other vocabularies


@dataclass
class LogFacts:
    """The figures of one log; None where it does not say."""

    name: str
    loss: float | None = None
    bpb: float | None = None
    total_bytes: int | None = None
    code_bytes: int | None = None
    train_seconds: float | None = None
    tokens: int | None = None
    shards: int | None = None
    seeds: set[int] = field(default_factory=set)
    not_a_number: int = 0  # the line of the first score that is none

    @property
    def bytes_per_token(self) -> float | None:
        """Bytes for each token, as loss and bits per byte imply."""
        return self.loss / (math.log(2) * self.bpb) if self.loss and self.bpb else None


def read_log(name: str, text: str) -> LogFacts:
    """Read a log: the last of each figure counts."""
    facts = LogFacts(name)
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > 4_000:
            continue
        for loss, bpb in SCORE.findall(line):
            if math.isfinite(float(loss)) and math.isfinite(float(bpb)) and float(bpb) > 0:
                facts.loss, facts.bpb = float(loss), float(bpb)
            elif not facts.not_a_number:
                facts.not_a_number = number
        for pattern, attribute in ((TOTAL_SIZE, "total_bytes"), (CODE_SIZE, "code_bytes"), (TOKENS, "tokens")):
            found = pattern.findall(line)
            if found:
                setattr(facts, attribute, int(found[-1].replace(",", "")))
        for time in TRAIN_TIME.findall(line):
            facts.train_seconds = float(time) / 1000
        for one, other in SHARDS.findall(line):
            facts.shards = int(one or other)
        facts.seeds.update(int(value) for value in SEED.findall(line))
    return facts


def log_findings(facts: LogFacts, vocabulary: int | None, code_bytes: tuple[int, ...]) -> list[ReviewFinding]:
    """Return what is wrong with one log. `code_bytes` are the sizes that the code has, packed and not."""
    found = [*_byte_findings(facts, vocabulary)]
    if facts.not_a_number:
        found.append(_finding(facts, "log-mismatch", "defect", "a score that is no number", facts.not_a_number))
    if facts.total_bytes is not None and facts.total_bytes > CAP_BYTES:
        shipped = facts.total_bytes - (facts.code_bytes or 0) + (code_bytes[0] if facts.code_bytes else 0)
        told = f"{facts.total_bytes:,} bytes, over the cap of {CAP_BYTES:,}; with the code as shipped {shipped:,}"
        found.append(_finding(facts, "size", "disputed", told))
    if facts.train_seconds is not None and facts.train_seconds > TRAIN_SECONDS * 1.02:
        found.append(_finding(facts, "over-budget", "disputed", f"trained for {facts.train_seconds:,.0f} s of {TRAIN_SECONDS}"))
    if facts.code_bytes is not None and facts.code_bytes not in code_bytes:
        found.append(_finding(facts, "log-mismatch", "note", f"logs {facts.code_bytes:,} bytes of code, the file has {code_bytes[0]:,}"))
    if facts.shards is not None and facts.shards > PUBLISHED_SHARDS:
        why = f"trained on {facts.shards:,} shards, more than are published: were they built without the held-out documents (#2127)?"
        found.append(_finding(facts, "split-overlap", "disputed", why))
    return found


def _byte_findings(facts: LogFacts, vocabulary: int | None) -> list[ReviewFinding]:
    """Compare the bytes that a score implies with those of the split."""
    ratio = facts.bytes_per_token
    expected = BYTES_PER_TOKEN.get(vocabulary or 0)
    if ratio is None or expected is None:
        return []
    off = min((ratio / value - 1 for value in expected), key=abs)
    if (facts.tokens is not None and abs(facts.tokens * ratio / SPLIT_BYTES - 1) < SPLIT_TOLERANCE) or abs(off) < 0.02:
        return []
    told = f"loss and bpb imply {ratio:.3f} bytes per token, {off:+.1%} from the {expected[0]} of this vocabulary"
    return [_finding(facts, "byte-count", "disputed", told)]


def too_few_runs(logs: list[LogFacts]) -> list[ReviewFinding]:
    """Return what is missing in the set of logs."""
    scored = [facts for facts in logs if facts.bpb is not None]
    if not scored:
        return []
    seeds = set().union(*(facts.seeds for facts in scored))
    if len(scored) >= 3 or len(seeds) >= 3:
        return []
    return [
        ReviewFinding(
            "seeds", "note", scored[0].name, 0, f"{len(scored)} scored logs", "default", True, "a record usually needs three seeds"
        )
    ]


def _finding(facts: LogFacts, rule: str, weight: Weight, why: str, line: int = 0) -> ReviewFinding:
    return ReviewFinding(rule, weight, facts.name, line, "", "default", True, why)
