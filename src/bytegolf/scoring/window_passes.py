"""Forward passes over windows that begin afresh: those of the protocols `standard` and `sliding`. Windows of one shape go together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from torch import Tensor

from bytegolf.config import ScoreConfig
from bytegolf.model.gpt import GPT
from bytegolf.scoring.compiled import CompiledScorer
from bytegolf.scoring.passes import Reading, Stage
from bytegolf.scoring.windows import Window, sliding_windows, standard_windows


def windows_at_once(config: ScoreConfig) -> int:
    """Return how many windows go through the model together."""
    return max(1, config.batch_tokens // config.window)


def standard_stages(reading: Reading) -> Iterator[Stage]:
    """Yield the one stage of protocol `standard`."""
    yield WindowPasses(reading, reading.model, stride=reading.config.window).over(standard_windows(reading.targets, reading.config))


def sliding_stages(reading: Reading) -> Iterator[Stage]:
    """Yield the one stage of protocol `sliding`."""
    yield WindowPasses(reading, reading.model, reading.config.stride).over(sliding_windows(reading.targets, reading.config))


@dataclass(frozen=True)
class WindowPass:
    """One pass over neighbouring windows of one shape."""

    reading: Reading
    scorer: CompiledScorer
    windows: Sequence[Window]

    @property
    def first(self) -> int:
        """The first target that is scored."""
        return self.windows[0].first

    @property
    def scored(self) -> int:
        """Return how many targets are scored."""
        return sum(window.scored for window in self.windows)

    def nats(self) -> Tensor:
        """Return the nats of the targets, (windows, targets of each)."""
        targets = self.reading.rows([slice(window.first + 1, window.stop + 1) for window in self.windows])
        return self.scorer.nats(self._inputs(), targets)

    def logits(self) -> Tensor:
        """Return the logits of the targets, (windows, targets of each, V)."""
        return self.scorer.logits(self._inputs(), self.windows[0].scored)

    def _inputs(self) -> Tensor:
        return self.reading.rows([slice(window.start, window.stop) for window in self.windows])


class WindowPasses:
    """Makes passes of windows that `model` reads, most of which are `stride` apart."""

    def __init__(self, reading: Reading, model: GPT, stride: int) -> None:
        self.reading = reading
        forwarded_tokens = len(reading.tokens) * reading.config.window // stride
        self.scorer = CompiledScorer(model, forwarded_tokens, most=(reading.windows_per_pass, stride))

    def over(self, windows: Iterable[Window]) -> Iterator[WindowPass]:
        """Yield passes over runs of windows of one shape, `windows_per_pass` at most."""
        for _, run in groupby(windows, key=lambda window: window.shape):
            while together := list(islice(run, self.reading.windows_per_pass)):
                yield WindowPass(self.reading, self.scorer, together)
