"""The report on the keynote's points: Markdown and a page that say the same, every number computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.report import style
from ras_sim.report.compare_views import LABELS, level, spread
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.html import document
from ras_sim.report.markup import Column, Section, figure, paragraph, table
from ras_sim.report.style import label_of, number, span
from ras_sim.report.text import md, md_table
from ras_sim.report.timeline import safe
from ras_sim.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from docs.keynote import Answer
    from docs.keynote_pairs import Pair, Point, Range
    from ras_sim.experiment.compare import Comparison
    from ras_sim.metrics.paired import Difference

TITLE = "The keynote's points, priced"
INTRO = (
    "Each point is a pair of scenarios that differ in one property and meet the same failures, replication by "
    "replication. Each difference has its 95% interval over these pairs. What it is worth is for a fleet of "
    "100,000 GPUs that runs jobs of this size: difference x 100,000 x 8,766 h a year; a single job of 100,000 would be "
    "stopped more often, and gain more. The difference is that of clean goodput, which leaves out work that silent "
    "corruption has tainted and nobody has found; where idle nodes are what is saved, that of cluster goodput.",
    "Rates come from publications; many repair times and probabilities are assumed. Where the answer rests on an assumed "
    "number, it is asked again over a range of it, on the first machine unless another is named. Each interval stands for "
    "itself, not for all at once: of forty, two may miss.",
)
HEADS = (
    "point and property",
    "machine",
    "metric",
    "without",
    "with",
    "difference",
    "95% interval",
    "million GPU-hours a year",
)
FLEET_GPUS = 100_000
BESIDE = ("goodput", "clean_goodput", "interruptions", "spares_taken", "technician_h")
_N_MOVED = 4
_TAINT_WORTH_SAYING = 0.0005
_SHARE_WORTH_SAYING = 0.005
_STOP = ("lost_work", "detect", "diagnose", "repair", "swap", "initialise", "restore", "wait_capacity")
_LARGE_POINTS = 2
_UP, _DOWN = "#0072B2", "#D55E00"


class Gain(NamedTuple):
    """A dot of the chart: its name, the property, and what is gained."""

    name: str
    prop: str
    of: Difference

    @property
    def points(self) -> float:
        """Of goodput, in per cent."""
        return 100 * (self.of.estimate.mean or 0.0)


class Moved(NamedTuple):
    """Where the lost GPU-hours changed most: categories and root causes, each with its change in a run."""

    categories: list[tuple[str, float]]
    causes: list[tuple[str, float]]


def difference(pair: Pair, comparison: Comparison) -> Difference:
    """Of the pair's metric: with the property less without."""
    return comparison.against[0].metrics[pair.metric]


def gain(pair: Pair, comparison: Comparison) -> Difference:
    """What counts as gained: work that can be trusted, or a greater share of the machine that does such work."""
    return comparison.against[0].metrics["cluster_goodput" if pair.metric == "cluster_goodput" else "clean_goodput"]


def worth(pair: Pair, comparison: Comparison) -> str:
    """Million GPU-hours a year of a fleet of 100,000 GPUs."""
    gained = gain(pair, comparison).estimate.mean or 0.0
    return f"{FLEET_GPUS * HOURS_PER_YEAR / 1e6 * gained:+,.2f}" if gained else "0"


def shown(pair: Pair, one: Difference) -> tuple[str, str, str, str]:
    """The metric without and with the property, the difference and its interval, as text."""
    kind = LABELS[pair.metric][1]
    return level(one.base, kind), level(one.other, kind), *spread(one, kind)


def row(answer: Answer, pair: Pair, comparison: Comparison) -> tuple[str, ...]:
    """A line of the table."""
    one = difference(pair, comparison)
    return (
        f"{answer.point.key}: {answer.point.prop}",
        short(pair),
        LABELS[pair.metric][0],
        *shown(pair, one),
        worth(pair, comparison),
    )


def short(pair: Pair) -> str:
    """The kind of machine, or its domains, without its size."""
    return pair.machine.rpartition(", ")[2]


def topic(pair: Pair) -> str:
    """One word for the property, as in the names of its files."""
    return pair.with_.split("_")[1]


def rows(answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """The whole table."""
    return [
        row(one, pair, comparison)
        for one in answers
        for pair, comparison in zip(one.point.pairs, one.comparisons, strict=True)
    ]


def moved(comparison: Comparison) -> Moved:
    """Where the lost GPU-hours of a run changed most, those first."""
    against = comparison.against[0]
    tables = (against.lost_gpu_hours_by_category, against.lost_gpu_hours_by_mode)
    categories, causes = (
        sorted(((name, one.estimate.mean or 0.0) for name, one in found.items()), key=lambda item: -abs(item[1]))
        for found in tables
    )
    return Moved(
        [(label_of(name), change) for name, change in categories[:_N_MOVED] if change],
        [(name, change) for name, change in causes[:_N_MOVED] if change],
    )


def sentences(answer: Answer) -> list[str]:
    """What was found on each machine, and where the hours went."""
    return [
        f"{pair.machine}: {_same(comparison) if pair.is_zero else _found(pair, comparison)}"
        for pair, comparison in zip(answer.point.pairs, answer.comparisons, strict=True)
    ]


def _same(comparison: Comparison) -> str:
    differ = [name for name, one in comparison.against[0].metrics.items() if not one.is_zero]
    return f"differs in {', '.join(differ)}." if differ else "the same in every history and by every metric, as claimed."


def _found(pair: Pair, comparison: Comparison) -> str:
    one = difference(pair, comparison)
    without, with_, amount, interval = shown(pair, one)
    verb = "clear of zero" if one.is_clear else "NOT clear of zero"
    return (
        f"{LABELS[pair.metric][0]} {without} without, {with_} with it: {amount} (95% interval {interval}, {verb}); "
        f"{worth(pair, comparison)} million GPU-hours a year at 100,000 GPUs. "
        f"{_beside(pair, comparison)}{_where(comparison)}"
    )


def _beside(pair: Pair, comparison: Comparison) -> str:
    """Other metrics: always goodput, the others where they differ clearly."""
    metrics = comparison.against[0].metrics
    told = [
        f"{LABELS[name][0].lower()} {amount} ({interval})"
        for name in BESIDE
        if name != pair.metric and (name == "goodput" or _says_much(name, metrics))
        for amount, interval in [spread(metrics[name], LABELS[name][1])]
    ]
    return f"Beside it: {', '.join(told)}. " if told else ""


def _says_much(name: str, metrics: Mapping[str, Difference]) -> bool:
    """Clear of zero and of some size; clean goodput only where something is tainted."""
    one = metrics[name]
    change = one.estimate.mean or 0.0
    if name == "clean_goodput":
        return one.is_clear and abs(change - (metrics["goodput"].estimate.mean or 0.0)) > _TAINT_WORTH_SAYING
    return one.is_clear and abs(change) > _SHARE_WORTH_SAYING * abs(one.base or 0.0)


def _where(comparison: Comparison) -> str:
    found = moved(comparison)
    return (
        f"Lost GPU-hours of a run by category: {_changes(found.categories)}; by root cause: {_changes(found.causes)}."
    )


def _changes(items: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {change:+,.0f}" for name, change in items) or "no change"


def asides(point: Point) -> list[str]:
    """Why there is one machine only, and why no range."""
    told = (("One kind of machine only", point.one_machine), ("No range", point.no_ranges))
    return [f"{lead}: {reason}." for lead, reason in told if reason]


def yardstick(answers: Sequence[Answer]) -> str:
    """What one interruption costs on each machine as it is: the scale on which differences can be checked by hand."""
    first = answers[0]
    costs = []
    for pair, comparison in zip(first.point.pairs, first.comparisons, strict=True):
        against, scenario = comparison.against[0], comparison.designs[0].scenario
        n, lost = against.metrics["interruptions"].base, against.lost_gpu_hours_by_category
        if n:
            gpu_h = sum(one.base or 0.0 for name, one in lost.items() if name in _STOP) / n
            minutes = gpu_h / scenario.job.gpus * 60
            costs.append(
                f"{pair.machine}: {number(n, 3)} interruptions in {span(scenario.horizon_h)}, each of "
                f"{number(minutes, 3)} minutes of all GPUs or {number(gpu_h, 4)} GPU-hours on average"
            )
    return f"To check a row by hand, what interruptions cost on the machines as they are: {'; '.join(costs)}."


def range_heads(point: Point) -> tuple[str, ...]:
    """Work that can be trusted besides, where the metric is not a share of such work."""
    metrics = {point.pairs[one.pair].metric for one in point.ranges}
    besides = () if all(name.endswith("goodput") for name in metrics) else ("clean goodput", "95% interval")
    return ("assumed", "metric", "without", "difference", "95% interval", *besides)


def range_rows(answer: Answer) -> list[tuple[str, ...]]:
    """The same question at other values of assumed numbers."""
    n = len(range_heads(answer.point))
    return [
        (_at(answer.point, one, value), *_asked(answer.point.pairs[one.pair], comparison))[:n]
        for one, comparisons in zip(answer.point.ranges, answer.ranges, strict=True)
        for value, comparison in zip(one.values, comparisons, strict=True)
    ]


def _at(point: Point, one: Range, value: str) -> str:
    where = "" if one.set_in == "both" else f", set {one.set_in} the property only"
    on = f", {short(point.pairs[one.pair])}" if one.pair != point.ranges[0].pair else ""
    return f"{one.key} = {value}{where}{on}"


def _asked_on(point: Point) -> str:
    return point.pairs[point.ranges[0].pair].machine


def _asked(pair: Pair, comparison: Comparison) -> tuple[str, ...]:
    without, _, amount, interval = shown(pair, difference(pair, comparison))
    clean = comparison.against[0].metrics["clean_goodput"]
    return (LABELS[pair.metric][0], without, amount, interval, *spread(clean, "percent"))


def files(answer: Answer) -> str:
    """How to run the pairs again."""
    pairs = [
        f"ras-sim compare scenarios/keynote/{pair.without} scenarios/keynote/{pair.with_}"
        for pair in answer.point.pairs
    ]
    return "\n".join(pairs)


def facts(answer: Answer) -> str:
    """How the numbers were made."""
    sizes = {(one.designs[0].scenario.horizon_h, one.n_finished) for one in answer.comparisons}
    return "; ".join(f"{n} pairs of histories of {span(horizon_h)}" for horizon_h, n in sorted(sizes))


def markdown(answers: Sequence[Answer]) -> str:
    """The whole report as Markdown."""
    parts = [f"# {TITLE}", *map(md, (*INTRO, yardstick(answers))), md_table(HEADS, rows(answers))]
    for one in answers:
        point = one.point
        parts += [
            f"## {point.key}: {md(point.prop)}",
            f"*{md(point.claim)}*",
            md(point.mechanism),
            "\n".join(f"* {md(line)}" for line in sentences(one)),
        ]
        parts += [md(line) for line in asides(point)]
        if point.ranges:
            parts += [f"On {_asked_on(point)}, over what is assumed:", md_table(range_heads(point), range_rows(one))]
        parts += [f"{facts(one)}. To see more of it:", f"```\n{files(one)}\n```"]
    return "\n\n".join(parts) + "\n"


def page(answers: Sequence[Answer]) -> str:
    """The whole report as a page."""
    intro = "".join(f'<p class="intro">{escape(text)}</p>' for text in (*INTRO, yardstick(answers)))
    header = f"<header><h1>{TITLE}</h1>{intro}</header>"
    return document(TITLE, header, [overview(answers), *map(section, answers)])


def overview(answers: Sequence[Answer]) -> Section:
    """Charts and table of all points."""
    columns = [Column(head, place > 2) for place, head in enumerate(HEADS)]
    gains = [
        Gain(f"{one.point.key} {topic(pair)}, {short(pair)}", one.point.prop, gain(pair, comparison))
        for one in answers
        for pair, comparison in zip(one.point.pairs, one.comparisons, strict=True)
    ]
    large = [one for one in gains if abs(one.points) >= _LARGE_POINTS]
    small = [one for one in gains if abs(one.points) < _LARGE_POINTS]
    charts = "".join(figure(forest(name, some)) for name, some in (("large", large), ("small", small)) if some)
    caption = "Every point on every machine; the last column is for 100,000 GPUs"
    return Section("overview", "All points", charts + table(caption, columns, rows(answers)))


def forest(name: str, found: Sequence[Gain]) -> Chart:
    """Difference of some pairs with its 95% interval."""
    import plotly.graph_objects as go

    halves = [50 * (one.of.estimate.ci95[1] - one.of.estimate.ci95[0]) if one.of.estimate.ci95 else 0.0 for one in found]
    chart = blank(showlegend=False)
    chart.add_vline(x=0, line={"color": style.NEUTRAL, "width": 1})
    chart.add_trace(
        go.Scatter(
            x=[round(one.points, 7) for one in found],
            y=list(range(len(found))),
            mode="markers",
            marker={"size": 10, "color": [_UP if one.points >= 0 else _DOWN for one in found]},
            error_x={"type": "data", "array": [round(half, 7) for half in halves], "color": style.NEUTRAL},
            hovertext=[f"{safe(one.prop)}<br>{safe(spread(one.of, 'percent')[0])}" for one in found],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    chart.update_xaxes(title_text="gained by the property, points (bar: 95% interval)")
    chart.update_yaxes(range=[len(found) - 0.5, -0.5], **ticks([one.name for one in found]))
    best = max(found, key=lambda one: one.points)
    lead = "Worth most" if name == "large" else f"Worth most of those below {_LARGE_POINTS} points"
    finding = f"{lead}: {best.prop} ({best.name}), {number(best.points)} points of goodput"
    return Chart(f"keynote-{name}", finding, (to_spec(chart),), 110 + 26 * len(found))


def section(answer: Answer) -> Section:
    """One point."""
    point = answer.point
    body = paragraph(point.claim, "note") + paragraph(point.mechanism)
    body += "".join(map(paragraph, (*sentences(answer), *asides(point))))
    if point.ranges:
        columns = [Column(head, place > 0) for place, head in enumerate(range_heads(point))]
        caption = f"{_asked_on(point)}, over what is assumed"
        body += table(caption, columns, range_rows(answer))
    body += paragraph(f"{facts(answer)}. To see more of it:", "note") + f"<pre>{escape(files(answer))}</pre>"
    anchor = f"{point.key.lower()}-{'-'.join(point.prop.lower().split())}"
    return Section("".join(c for c in anchor if c.isalnum() or c == "-"), f"{point.key}: {point.prop}", body)
