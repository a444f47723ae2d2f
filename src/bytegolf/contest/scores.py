"""Scores of several seeds of one configuration: numbers as they are given, or those that run folders keep."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bytegolf.contest.run_scores import RunScore, read_run_scores
from bytegolf.errors import InputError, ParameterError
from bytegolf.names import ProtocolName

SUMMARY = re.compile(r"(?P<mean>[^±+/]+)(?:±|\+-)(?P<deviation>[^/]+)/(?P<count>[0-9]{1,4})")  # 1.0611±0.0009/6


@dataclass(frozen=True)
class ScoreSet:
    """Scores of one configuration, in the order given: bits per byte, or nats per token where `nats`.

    `figure` says which figure they are. `run` is the first of the runs that they come from, if they do. Where only their mean and
    spread are `summarised`, the values are some that have these; no t-test tells them from the true ones.
    """

    values: tuple[float, ...]
    seeds: tuple[int, ...] | None
    figure: str
    nats: bool = False
    run: RunScore | None = None
    summarised: bool = False


def read_scores(side: str, items: Sequence[str | float | Path], *, nats: bool = False, protocol: ProtocolName | None = None) -> ScoreSet:
    """Return the scores that `items` name: run folders, or numbers, each alone, in a list with commas, or as SEED:NUMBER.

    One MEAN±STD/N, with the standard deviation over n − 1, stands for N numbers that are not known. `side` is what a message
    calls them. Of runs, the score is that of `protocol`, or else of the first protocol that all of them have.

    Raises InputError for none, for numbers that are no scores, and for runs that are not one configuration.
    """
    words = [word for item in items for word in _words(item)]
    if not words:
        raise ParameterError(side, "expected run folders or numbers, found none")
    if len(words) == 1 and (summary := SUMMARY.fullmatch(words[0])):
        return _summarised(side, words[0], summary, nats)
    numbers = [number for word in words if (number := _number(side, word)) is not None]
    if not numbers:
        runs = read_run_scores([Path(word) for word in words], protocol)
        scores = ScoreSet(tuple(run.bpb for run in runs), tuple(run.seed for run in runs), runs[0].figure, run=runs[0])
        if nats:
            raise ParameterError("nats", f"is for numbers only; {words[0]} is a run, whose scores are in bits per byte")
    else:
        if len(numbers) != len(words):
            odd = next(word for word in words if _number(side, word) is None)
            raise ParameterError(side, f"expected run folders or numbers and not both, found {odd!r} among numbers")
        scores = ScoreSet(tuple(value for _, value in numbers), _seeds(side, words, numbers), "numbers as given", nats)
    _require_distinct(side, scores.seeds)
    return scores


def _words(item: str | float | Path) -> list[str]:
    """Return a folder, or the numbers of a list."""
    text = str(item)
    if isinstance(item, Path) or (text and Path(text).is_dir()):
        return [text]
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(side: str, word: str) -> tuple[int | None, float] | None:
    """Return the seed, if it is named, and the score of a word, or None for what is no number."""
    seed, colon, text = word.rpartition(":")
    try:
        value, named = float(text), int(seed) if colon else None
    except ValueError:
        return None
    if not math.isfinite(value) or value <= 0:
        raise ParameterError(side, f"expected scores above zero, found {word}")
    return named, value


def _summarised(side: str, word: str, summary: re.Match[str], nats: bool) -> ScoreSet:
    """Return evenly spaced values that have the mean and the standard deviation of a summary."""
    count = int(summary["count"])
    try:
        mean, deviation = float(summary["mean"]), float(summary["deviation"])
    except ValueError:
        mean, deviation = math.nan, math.nan
    if not (0 < mean < math.inf and 0 < deviation < math.inf and count > 1):
        raise ParameterError(side, f"expected MEAN±STD/N of at least 2 scores above zero, found {word}")
    spread = np.linspace(-1.0, 1.0, count)
    values = mean + deviation * spread / np.std(spread, ddof=1)
    return ScoreSet(tuple(map(float, values)), None, "mean, standard deviation and number as given", nats, summarised=True)


def _seeds(side: str, words: list[str], numbers: list[tuple[int | None, float]]) -> tuple[int, ...] | None:
    """Return the seeds of numbers, or None if they have none. Raises InputError if only some have one."""
    seeds = [seed for seed, _ in numbers]
    known = [seed for seed in seeds if seed is not None]
    if not known:
        return None
    if len(known) < len(seeds):
        raise ParameterError(side, f"expected a seed for every number or for none, found {words[seeds.index(None)]} without one")
    return tuple(known)


def _require_distinct(side: str, seeds: tuple[int, ...] | None) -> None:
    """Raise InputError if a seed comes twice: one run counted as two is no evidence."""
    twice = next((seed for index, seed in enumerate(seeds or ()) if seed in (seeds or ())[:index]), None)
    if twice is not None:
        raise ParameterError(side, f"expected every seed once, found seed {twice} twice")


def require_comparable(new: ScoreSet, old: ScoreSet) -> None:
    """Raise InputError unless two sets of scores, where both come from runs, are the same figure over the same bytes."""
    if new.nats != old.nats:
        raise InputError("expected both sides in bits per byte or both in nats, found one of each")
    a, b = new.run, old.run
    if a is None or b is None:
        return
    for what, value, other in (
        ("protocol and file", a.figure, b.figure),
        ("held-out data", a.data, b.data),
        ("held-out bytes", a.bytes, b.bytes),
    ):
        if value is not None and other is not None and value != other:
            raise InputError(f"{b.folder}: expected the {what} of {a.folder}, {_short(value)}, found {_short(other)}")


def _short(value: object) -> str:
    return str(value)[:60]
