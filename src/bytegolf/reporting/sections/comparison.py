"""Whether runs differ: means over seeds with their intervals, and each configuration against the first."""

from collections.abc import Sequence
from typing import NamedTuple

from bytegolf.contest.compare import CONFIDENCE, ScoreComparison, compare_scores
from bytegolf.contest.run_scores import RunScore
from bytegolf.contest.scores import ScoreSet
from bytegolf.contest.statistics import DESIGNS, mean_interval
from bytegolf.errors import InputError
from bytegolf.reporting.axis import axis_of
from bytegolf.reporting.groups import RunGroup, differences
from bytegolf.reporting.markup import Markup, data_table, section, table, tag
from bytegolf.reporting.row_chart import ChartRow, Dot, draw_rows
from bytegolf.reporting.wording import UNKNOWN, bits_per_byte, of, plain, signed


class Configuration(NamedTuple):
    """One configuration's scores, all the same figure, and the interval of their mean, if there are several."""

    group: RunGroup
    scores: ScoreSet
    interval: tuple[float, float] | None

    @property
    def mean(self) -> float:
        """Return the mean score in bits per byte."""
        return sum(self.scores.values) / len(self.scores.values)


def comparison_section(groups: Sequence[RunGroup]) -> Markup:
    """Return the scores of all finished runs by configuration, or nothing where there are not two to compare."""
    runs = [run for group in groups for run in group.runs if run.figures]
    if len(runs) < 2:
        return Markup()
    figure = next((name for name in runs[0].figures if all(name in run.figures for run in runs)), None)
    if figure is None:
        return section(
            "comparison",
            "Comparison",
            tag("p", "These runs keep no score of one kind. Score all of them by one protocol."),
            _differing(groups),
        )
    configurations = [_configuration(group, figure) for group in groups if any(run.figures for run in group.runs)]
    content = [tag("p", _lead(configurations, figure)), _means(configurations)]
    if len(configurations) > 1:
        content.append(_against_first(configurations))
    return section("comparison", "Comparison", *content, _differing(groups))


def _configuration(group: RunGroup, figure: str) -> Configuration:
    found: list[RunScore] = [run.figures[figure] for run in group.runs if run.figures]
    values = tuple(score.bpb for score in found)
    scores = ScoreSet(values, tuple(score.seed for score in found), figure, run=found[0])
    known = mean_interval(values, CONFIDENCE) if len(values) > 1 else None
    return Configuration(group, scores, known)


def _lead(configurations: Sequence[Configuration], figure: str) -> str:
    several = any(one.interval for one in configurations)
    bars = f" A bar is the {CONFIDENCE:.0%} interval of the mean over seeds, by Student's t." if several else ""
    single = sum(one.interval is None for one in configurations)
    luck = f" {of(single, 'configuration')} with one seed: no interval, and a difference may be luck." if single else ""
    return f"{figure[0].upper()}{figure[1:]}, in bits per byte, lower is better. Each dot is a run.{bars}{luck}"


def _means(configurations: Sequence[Configuration]) -> Markup:
    bounds = [value for one in configurations for value in (*one.scores.values, *(one.interval or ()))]
    rows = [
        ChartRow(
            one.group.name,
            bits_per_byte(one.mean),
            dots=[
                *(
                    Dot(score, f"{run.name}: {score:.6f}", one.group.number, faint=one.interval is not None)
                    for run, score in zip([run for run in one.group.runs if run.figures], one.scores.values, strict=True)
                ),
                *([Dot(one.mean, f"mean {one.mean:.6f}", one.group.number)] if one.interval else []),
            ],
            interval=one.interval,
            colour=one.group.number,
        )
        for one in configurations
    ]
    head = ["configuration", "runs", "seeds", "mean", f"{CONFIDENCE:.0%} interval", "scores"]
    body = [
        [
            one.group.name,
            str(len(one.scores.values)),
            ", ".join(map(str, one.scores.seeds or ())),
            f"{one.mean:.6f}",
            f"{one.interval[0]:.6f} to {one.interval[1]:.6f}" if one.interval else UNKNOWN,
            ", ".join(f"{value:.6f}" for value in one.scores.values),
        ]
        for one in configurations
    ]
    return tag("div", draw_rows(rows, axis_of(bounds, log=False), "bits per byte"), data_table(head, body))


def _against_first(configurations: Sequence[Configuration]) -> Markup:
    """Return the difference of each configuration to the first, with what the test of `compare` makes of it."""
    first, *others = configurations
    compared = [(one, _compared(one, first)) for one in others]
    rows = [_difference_row(one, result, first) for one, result in compared]
    bounds = [0.0, *(one.mean - first.mean for one in others)]
    bounds += [bound for _, result in compared if isinstance(result, ScoreComparison) for bound in result.interval_bpb]
    sentences = [tag("li", _in_words(one, result, first)) for one, result in compared]
    head = ["configuration", "difference", f"{CONFIDENCE:.0%} interval", "nats per token", "p", "test"]
    body = [_difference_cells(one, result, first) for one, result in compared]
    return tag(
        "div",
        tag("h3", f"Against {first.group.name}"),
        tag("ul", *sentences, class_="findings"),
        draw_rows(
            rows,
            axis_of(bounds, log=False),
            f"bits per byte less than {first.group.name} to the left of the line, more to its right",
            rule=0.0,
        ),
        data_table(head, body),
    )


def _compared(new: Configuration, old: Configuration) -> ScoreComparison | str:
    """Return the comparison, or why there is none."""
    if new.interval is None:
        return "one seed, which has no spread"
    try:
        return compare_scores(new.scores, old.scores)
    except InputError as error:
        return str(error)


def _difference_row(one: Configuration, result: ScoreComparison | str, first: Configuration) -> ChartRow:
    difference = one.mean - first.mean
    known = result.interval_bpb if isinstance(result, ScoreComparison) else None
    dot = Dot(difference, f"{one.group.name}: {signed(difference, 6)}", one.group.number)
    return ChartRow(one.group.name, signed(difference), dots=[dot], interval=known, colour=one.group.number)


def _in_words(one: Configuration, result: ScoreComparison | str, first: Configuration) -> str:
    difference = one.mean - first.mean
    way = "lower" if difference < 0 else "higher"
    if isinstance(result, str):
        return f"{one.group.name}: {abs(difference):.4f} {way}; not tested, {result}"
    low, high = result.interval_bpb
    sure = (
        "better, beyond what seeds explain"
        if result.significant
        else "worse, beyond what seeds explain"
        if low > 0
        else "not told from luck"
    )
    return (
        f"{one.group.name}: {abs(difference):.4f} {way} ({signed(low)} to {signed(high)}), p = {plain(result.verdict.p_value, 2)}: {sure}"
    )


def _difference_cells(one: Configuration, result: ScoreComparison | str, first: Configuration) -> list[str]:
    difference = signed(one.mean - first.mean, 6)
    if isinstance(result, str):
        return [one.group.name, difference, UNKNOWN, UNKNOWN, UNKNOWN, result]
    low, high = result.interval_bpb
    nats = signed(result.samples.difference * result.conversion.nats, 6)
    test = f"{DESIGNS[result.samples.design]}, one-sided, level {result.alpha}"
    return [one.group.name, difference, f"{signed(low, 6)} to {signed(high, 6)}", nats, plain(result.verdict.p_value, 2), test]


def _differing(groups: Sequence[RunGroup]) -> Markup:
    """Return the keys in which the runs' recipes differ."""
    runs = [run for group in groups for run in group.runs]
    found = differences(runs)
    if not found:
        return tag("p", "Their recipes are the same, seed included.", class_="note")
    rows = [[run.name, *(str(values[number]) for values in found.values())] for number, run in enumerate(runs)]
    return tag("details", tag("summary", "Where the recipes differ"), table(["run", *found], rows))
