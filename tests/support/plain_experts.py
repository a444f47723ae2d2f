"""Experts written once more, as docs/experts.md describes them: lists, dictionaries and one operation at a time.

Nothing is hashed and no context is ever given up, so that a package with large tables must agree to the bit.
"""

import math
from collections import defaultdict
from copy import copy
from typing import NamedTuple

from support.exact_numbers import log, sigmoid

Context = tuple[int, ...]
TOTAL = 2**30


class Options(NamedTuple):
    vocab_size: int
    lanes: int = 1
    orders: int = 6
    skips: bool = True
    indirect: bool = True
    match: int = 5
    candidates: int = 24
    history: int = 2**20
    linear_rate: float = 0.3
    logistic_rate: float = 0.02


class Record:
    """What followed a context, the last one first, as pairs of token and count."""

    def __init__(self) -> None:
        self.visits, self.entries = 0, list[tuple[int, int]]()

    def learn(self, token: int) -> None:
        aged = [(other, (count * 166 + 255) // 256) for other, count in self.entries]
        own = sum(count for other, count in aged if other == token)
        self.visits = min(self.visits + 1, 65_535)
        self.entries = [(token, 256 + own), *(pair for pair in aged if pair[0] != token)][:14]

    def state(self) -> tuple[int, int, int]:
        counts = [count for _, count in self.entries]
        visits = self.visits - 1 if self.visits < 4 else min(1 + int(math.log2(self.visits)), 7)
        return visits, min(len(counts), 8) - 1, int(2 * max(counts) > sum(counts))


class Match:
    """Where a lane's last tokens stood before: `lane` and `position` of the token that is predicted."""

    def __init__(self) -> None:
        self.lane, self.position, self.length = 0, 0, 0

    def length_class(self) -> int:
        return self.length if self.length < 16 else min(14 + self.length // 8, 31)


class Decision(NamedTuple):
    token: int
    inputs: list[float]
    mixers: list[list[float]]
    odds: list[float]
    blend: list[float]
    yes: float


class Lane:
    """What is known of a lane's next token."""

    def __init__(self) -> None:
        self.match = Match()
        self.contexts: list[Context] = []
        self.matched: int | None = None
        self.records: list[Record | None] = []
        self.weights: list[float] = []
        self.match_weight = 0.0
        self.before: list[float] = []  # the share of the model and the contexts before each
        self.model_share = 1.0
        self.masses: dict[int, float] = {}
        self.decisions: list[Decision] = []
        self.left = [1.0]
        self.tail = 1.0
        self.row: list[int] = []

    def model(self, token: int) -> float:
        return self.row[token] / sum(self.row)

    def mixture(self, token: int) -> float:
        return self.model_share * self.model(token) + self.masses.get(token, 0.0)


class PlainExperts:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.records = defaultdict[Context, Record](Record)
        self.texts: list[list[int]] = [[] for _ in range(options.lanes)]
        self.matches: dict[Context, tuple[int, int]] = {}
        self.lanes = [Lane() for _ in range(options.lanes)]
        ngrams = [tuple(range(order)) for order in range(options.orders + 1)]
        self.kinds = [*ngrams[:2], *([(0, 2), (1, 2)] if options.skips else []), *ngrams[2:]]
        count = len(self.kinds) + options.indirect
        self.shares = defaultdict[Context, float](lambda: -1.0)
        self.match_shares = [-1.0] * 32
        self.mixers = defaultdict[Context, list[float]](lambda: [0.0, 1.0, 0.0, 0.0] + [0.0] * count)
        self.blends = [[0.3] * 4 for _ in range(16)]
        self.hits = [0.5] * 32
        self.gate = 3.0

    def predict(self, rows: list[list[int]]) -> list[list[int]]:
        return [self._predict(number, row) for number, row in enumerate(rows)]

    def update(self, tokens: list[int]) -> None:
        for number, token in enumerate(tokens):
            self._learn(number, token)

    def _token(self, lane: int, back: int) -> int:
        text = self.texts[lane]
        return text[-1 - back] if back < min(len(text), self.options.history) else -1

    def _contexts(self, lane: int) -> list[Context]:
        found = [(k, *(self._token(lane, back) for back in kind)) for k, kind in enumerate(self.kinds)]
        if self.options.indirect:
            last = self.records.get(found[1])
            followed = [token for token, _ in last.entries[:2]] if last else []
            found.append((len(found), self._token(lane, 0), *[*followed, -1, -1][:2]))
        return found

    def _predict(self, number: int, row: list[int]) -> list[int]:
        lane = self.lanes[number]
        lane.row, lane.contexts, lane.masses, lane.decisions, lane.left = row, self._contexts(number), {}, [], [1.0]
        lane.records = [copy(self.records.get(context)) for context in lane.contexts]  # as they are now
        self._mix(lane)
        chances = {token: lane.mixture(token) for token in lane.masses}
        rest = [sum(count for _, count in record.entries) if record else 0 for record in lane.records]
        trust, remaining, model_left, mixture_left = sigmoid(self.gate), TOTAL, 1.0, 1.0
        given: dict[int, int] = {}
        while chances and len(given) < min(self.options.candidates, len(row) - 1):
            token = max(chances, key=lambda token: chances[token])
            mixture_p, model_p, experts_left = chances.pop(token), lane.model(token), lane.left[-1]
            if mixture_p <= 0.001:
                break
            yes = self._decide(number, lane, token, model_p / model_left, mixture_p / mixture_left, rest)
            part = (trust * model_p + (1 - trust) * experts_left * yes) / (trust * model_left + (1 - trust) * experts_left)
            given[token] = max(1, min(math.floor(part * remaining), remaining - 4 * len(row)))
            remaining -= given[token]
            model_left, mixture_left = max(model_left - model_p, 1e-12), max(mixture_left - mixture_p, 1e-12)
        lane.tail = lane.left[-1] / mixture_left
        return self._share_out(lane, given, trust, remaining)

    def _mix(self, lane: Lane) -> None:
        lane.matched, lane.match_weight, left = self._matched(lane.match), 0.0, 1.0
        if lane.matched is not None:
            lane.match_weight = sigmoid(self.match_shares[lane.match.length_class()])
            lane.masses[lane.matched] = lane.match_weight
            left -= lane.match_weight
        lane.weights, lane.before = [0.0] * len(lane.records), [1.0] * len(lane.records)
        for k in reversed(range(len(lane.records))):
            record, lane.before[k] = lane.records[k], left
            if record:
                lane.weights[k] = sigmoid(self.shares[(k, *record.state())])
                part = left * lane.weights[k] / sum(count for _, count in record.entries)
                for token, count in record.entries:
                    lane.masses[token] = lane.masses.get(token, 0.0) + part * count
                left *= 1 - lane.weights[k]
        lane.model_share = left

    def _decide(self, number: int, lane: Lane, token: int, model_p: float, mixture_p: float, rest: list[int]) -> float:
        rank = min(len(lane.decisions), 15)
        agrees = token == lane.matched
        hit = self.hits[lane.match.length_class()]
        inputs = [log_odds(model_p), log_odds(mixture_p), 0.3, log(hit / (1 - hit)) if agrees else 0.0]
        for k, record in enumerate(lane.records):
            if record and rest[k] > 0:
                count = dict(record.entries).get(token, 0)
                rest[k] -= count
                inputs.append(log(count + 51.2) - log(rest[k] + 102.4))
            else:
                inputs.append(0.0)
        longest = max((k + 1 for k, record in enumerate(lane.records) if record), default=0)
        state = 0 if lane.matched is None else 1 if lane.match.length < 16 else 2 if lane.match.length < 32 else 3
        keys = [
            (0, rank, longest), (1, state, min(rank, 4), int(agrees), min(int(model_p * 32), 31)),
            (2, token), (3, self._token(number, 0)),
        ]  # fmt: skip
        mixers = [self.mixers[key] for key in keys]
        odds = [dot(mixer, inputs) for mixer in mixers]
        yes = bounded(sigmoid(dot(self.blends[rank], odds)))
        lane.decisions.append(Decision(token, inputs, mixers, odds, self.blends[rank], yes))
        lane.left.append(lane.left[-1] * (1 - yes))
        return yes

    def _share_out(self, lane: Lane, given: dict[int, int], trust: float, remaining: int) -> list[int]:
        experts = (1 - trust) * lane.tail
        scale = sum(lane.row) * (experts / (trust + experts * lane.model_share))
        weights = [
            0 if token in given else frequency + math.floor(lane.masses.get(token, 0.0) * scale) for token, frequency in enumerate(lane.row)
        ]
        whole, parts, before, result = sum(weights), remaining - (len(lane.row) - len(given)), 0, []
        for token, weight in enumerate(weights):
            after = before + weight
            result.append(given.get(token, 1 + share(after, whole, parts) - share(before, whole, parts)))
            before = after
        return result

    def _learn(self, number: int, token: int) -> None:
        lane, rate = self.lanes[number], self.options.logistic_rate / math.sqrt(math.sqrt(self.options.lanes))
        said = lane.tail * lane.mixture(token)
        for decision, left in zip(lane.decisions, lane.left, strict=False):
            if decision.token == token:
                said = left * decision.yes
        self.gate = min(max(self.gate + log(lane.model(token) / said), -8.0), 8.0)
        for decision in lane.decisions:
            truth = float(decision.token == token)
            for mixer, odds in zip(decision.mixers, decision.odds, strict=True):
                step = rate * (truth - sigmoid(odds))
                mixer[:] = [weight + step * x for weight, x in zip(mixer, decision.inputs, strict=True)]
            step = rate / 10 * (truth - decision.yes)
            decision.blend[:] = [weight + step * odds for weight, odds in zip(decision.blend, decision.odds, strict=True)]
            if truth:
                break
        if lane.matched is not None:
            length = lane.match.length_class()
            self.hits[length] += 0.02 * ((0.98 if token == lane.matched else 0.02) - self.hits[length])
        self._learn_shares(lane, token)
        for context in lane.contexts:
            self.records[context].learn(token)
        self._read(number, token)

    def _learn_shares(self, lane: Lane, token: int) -> None:
        rate, p, before = self.options.linear_rate, lane.mixture(token), lane.model(token)
        for k, record in enumerate(lane.records):
            if record:
                w, q = lane.weights[k], dict(record.entries).get(token, 0) / sum(count for _, count in record.entries)
                self.shares[(k, *record.state())] += rate * lane.before[k] * (q - before) * w * (1 - w) / p
                before += w * (q - before)
        if lane.matched is not None:
            w, q = lane.match_weight, float(token == lane.matched)
            self.match_shares[lane.match.length_class()] += rate * (q - before) * w * (1 - w) / p

    def _remembered(self, lane: int, position: int) -> bool:
        return 0 < len(self.texts[lane]) - position <= self.options.history

    def _matched(self, match: Match) -> int | None:
        return self.texts[match.lane][match.position] if match.length else None

    def _read(self, number: int, token: int) -> None:
        match, text, shortest = self.lanes[number].match, self.texts[number], self.options.match
        match.length = min(match.length + 1, 65_535) if self._matched(match) == token else 0
        match.position += 1
        text.append(token)
        if len(text) < shortest:
            return
        key = tuple(self._token(number, back) for back in range(shortest))
        if match.length == 0 or not self._remembered(match.lane, match.position):
            match.length = 0
            if key in self.matches and self._remembered(*self.matches[key]):
                lane, position = self.matches[key]
                length = 0
                while length < 32 and position > length and self._remembered(lane, position - length - 1):
                    if self.texts[lane][position - length - 1] != self._token(number, length):
                        break
                    length += 1
                if length >= shortest:
                    match.lane, match.position, match.length = lane, position, length
        self.matches[key] = number, len(text)


def dot(weights: list[float], inputs: list[float]) -> float:
    total = 0.0
    for weight, x in zip(weights, inputs, strict=True):
        total += weight * x
    return total


def bounded(p: float) -> float:
    return min(max(p, 1e-5), 1 - 1e-5)


def log_odds(p: float) -> float:
    return log(bounded(p) / (1 - bounded(p)))


def share(before: int, whole: int, parts: int) -> int:
    return parts if before == whole else min(math.floor(before * (parts / whole)), parts)
