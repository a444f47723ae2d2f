"""What the logs beside a script say: scores, sizes, times, seeds.

Nothing found here flags a script by itself: a folder may hold logs of other runs.
"""

import math
import re
from dataclasses import dataclass, field
from itertools import pairwise

from bytegolf.contest.evidence import ReviewFinding, Weight

NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?|nan|inf)"
SCORE = re.compile(rf"(?:val_)?loss[:=]\s*{NUMBER}[,\s]+(?:val_)?bpb[:=]\s*{NUMBER}", re.IGNORECASE)
TOTAL_SIZE = re.compile(r"Total submission size[^:\n]*:\s*([\d,]+)\s*bytes", re.IGNORECASE)
CODE_SIZE = re.compile(r"Code size[^:\n]*:\s*([\d,]+)\s*bytes", re.IGNORECASE)
TRAIN_TIME = re.compile(r"train_time:\s*(\d+(?:\.\d+)?)ms")
EVAL_TIME = re.compile(r"\beval(?:_time|_wallclock)[:=]\s*(\d+(?:\.\d+)?)\s*(ms|s)\b")
TOKENS = re.compile(r"\bval\w*[:_ ].*?tokens[:=]\s*(\d{5,})")
SETTING = re.compile(r"\s*([a-z]\w{2,60})\s?[:=]\s?(True|False|-?\d+(?:\.\d+)?(?:e-?\d+)?)\s*")  # a line of its own
SHARDS = re.compile(r"train_shards:\s*(\d+)|shards=(\d+)")
SEED = re.compile(r"\bseed[:=]\s*(\d+)", re.IGNORECASE)

SPLIT_BYTES = 151_080_000  # UTF-8 bytes of the whole held-out split, whatever the tokenizer
SPLIT_TOLERANCE = 0.004
BYTES_PER_TOKEN = {1024: (2.436,), 4096: (3.320,), 8192: (3.727, 3.157)}  # 3.157 with case tokens
CAP_BYTES = 16_000_000
TRAIN_SECONDS = EVAL_SECONDS = 600
CLOCK_TOLERANCE = 1.02
WHOLE = 0.98  # of the split, less than which is a part of it
RUN_ONLY = re.compile(r"seed|rank|port|pid|time|step|loss|bpb|bytes|shards|loc|memory|params|world_size|ms$|_s$", re.IGNORECASE)
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
    eval_seconds: float | None = None  # of the longest evaluation
    tokens: int | None = None
    shards: int | None = None
    seeds: set[int] = field(default_factory=set)
    settings: dict[str, str] = field(default_factory=dict)
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
        _read_clocks(facts, line)
        if (setting := SETTING.fullmatch(line)) and not RUN_ONLY.search(setting[1]):
            facts.settings[setting[1]] = setting[2]
        for one, other in SHARDS.findall(line):
            facts.shards = int(one or other)
        facts.seeds.update(int(value) for value in SEED.findall(line))
    return facts


def _read_clocks(facts: LogFacts, line: str) -> None:
    """Read how long training took, by the last such figure, and the longest evaluation."""
    for time in TRAIN_TIME.findall(line):
        facts.train_seconds = float(time) / 1000
    for time, unit in EVAL_TIME.findall(line):
        facts.eval_seconds = max(facts.eval_seconds or 0.0, float(time) / (1000 if unit == "ms" else 1))


def log_findings(facts: LogFacts, vocabulary: int | None, code_bytes: tuple[int, ...]) -> list[ReviewFinding]:
    """Return what is wrong with one log. `code_bytes` are the sizes that the code has, packed and not."""
    found = [*_byte_findings(facts, vocabulary)]
    if facts.not_a_number:
        found.append(_finding(facts, "log-mismatch", "defect", "a score that is no number", facts.not_a_number))
    if facts.total_bytes is not None and facts.total_bytes > CAP_BYTES:
        shipped = facts.total_bytes - (facts.code_bytes or 0) + (code_bytes[0] if facts.code_bytes else 0)
        told = f"{facts.total_bytes:,} bytes, over the cap of {CAP_BYTES:,}; with the code as shipped {shipped:,}"
        found.append(_finding(facts, "size", "disputed", told))
    for told, seconds, limit in (("trained", facts.train_seconds, TRAIN_SECONDS), ("evaluated", facts.eval_seconds, EVAL_SECONDS)):
        if seconds is not None and seconds > limit * CLOCK_TOLERANCE:
            found.append(_finding(facts, "over-budget", "disputed", f"{told} for {seconds:,.0f} s of {limit}"))
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
    if abs(off) < 0.02 and facts.tokens is not None and facts.tokens * ratio < SPLIT_BYTES * WHOLE:
        told = f"scored {facts.tokens:,} tokens, {facts.tokens * ratio / SPLIT_BYTES:.1%} of the split: all of it is asked for"
        return [_finding(facts, "coverage", "disputed", told)]
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


def mixed_configurations(logs: list[LogFacts]) -> list[ReviewFinding]:
    """Return what differs between the settings of logs of different seeds: the seeds of an entry are of one configuration."""
    runs = [facts for facts in logs if facts.bpb is not None and len(facts.seeds) == 1]
    for one, other in pairwise(runs):
        shared = one.settings.keys() & other.settings.keys()
        differing = sorted(key for key in shared if _number(one.settings[key]) != _number(other.settings[key]))
        if one.seeds != other.seeds and differing:
            key = differing[0]
            told = (
                f"{key} is {one.settings[key]} in {one.name} and {other.settings[key]} here: the seeds of an entry have one configuration"
            )
            return [_finding(other, "seeds", "disputed", told)]
    return []


def _number(text: str) -> object:
    return text if text in ("True", "False") else float(text)


def _finding(facts: LogFacts, rule: str, weight: Weight, why: str, line: int = 0) -> ReviewFinding:
    return ReviewFinding(rule, weight, facts.name, line, "", "default", True, why)
