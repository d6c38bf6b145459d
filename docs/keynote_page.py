"""The report on the keynote's points: Markdown and a page that say the same, every number computed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from ras_sim.experiment.compare_json import p_better
from ras_sim.experiment.differences import BETTER
from ras_sim.report import style
from ras_sim.report.compare_views import LABELS, factor, level, probability, spread
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.html import document
from ras_sim.report.markup import Column, Section, figure, paragraph, table
from ras_sim.report.style import label_of, number, span
from ras_sim.report.text import md, md_table
from ras_sim.report.timeline import safe
from ras_sim.units import HOURS_PER_YEAR

if TYPE_CHECKING:
    from docs.keynote import Answer
    from docs.keynote_points import Pair
    from ras_sim.experiment.compare import Comparison
    from ras_sim.metrics.paired import Difference

TITLE = "The keynote's points, priced"
INTRO = (
    "Each point is a pair of scenarios that differ in one property and meet the same failures, replication by "
    "replication. The difference in goodput has its 95% interval over these pairs. What it is worth is for a fleet of "
    "100,000 GPUs that runs jobs of this size: difference x 100,000 x 8,766 h a year; a single job of 100,000 would be "
    "stopped more often, and gain more.",
    "Rates come from publications; many repair times and probabilities are assumed. Where the answer rests on an assumed "
    "number, it is asked again over a range of it. Each interval stands for itself, not for all at once.",
)
HEADS = (
    "point",
    "property",
    "machine",
    "metric",
    "without",
    "with",
    "difference",
    "95% interval",
    "P(better)",
    "pairing",
    "million GPU-hours a year at 100,000 GPUs",
)
FLEET_GPUS = 100_000
_N_MOVED = 4
_UP, _DOWN = "#0072B2", "#D55E00"


class Moved(NamedTuple):
    """Where the lost GPU-hours changed most: categories and root causes, each with its change in a run."""

    categories: list[tuple[str, float]]
    causes: list[tuple[str, float]]


def difference(pair: Pair, comparison: Comparison) -> Difference:
    """Of the pair's metric: with the property less without."""
    return comparison.against[0].metrics[pair.metric]


def worth(comparison: Comparison) -> str:
    """Million GPU-hours a year of a fleet of 100,000 GPUs: what its goodput gains."""
    gained = comparison.against[0].metrics["goodput"].estimate.mean or 0.0
    return f"{FLEET_GPUS * HOURS_PER_YEAR / 1e6 * gained:+,.2f}"


def shown(pair: Pair, one: Difference) -> tuple[str, str, str, str]:
    """The metric without and with the property, the difference and its interval, as text."""
    kind = LABELS[pair.metric][1]
    return level(one.base, kind), level(one.other, kind), *spread(one, kind)


def row(answer: Answer, pair: Pair, comparison: Comparison) -> tuple[str, ...]:
    """A line of the table."""
    one = difference(pair, comparison)
    return (
        answer.point.key,
        answer.point.prop,
        pair.machine,
        LABELS[pair.metric][0],
        *shown(pair, one),
        probability(p_better(one, BETTER[pair.metric])),
        factor(one),
        worth(comparison),
    )


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
    told = []
    for pair, comparison in zip(answer.point.pairs, answer.comparisons, strict=True):
        one = difference(pair, comparison)
        without, with_, amount, interval = shown(pair, one)
        verb = "is clear of zero" if one.is_clear else "is NOT clear of zero"
        told.append(
            f"{pair.machine}: {LABELS[pair.metric][0]} {without} without, {with_} with it: {amount} (95% interval "
            f"{interval}, which {verb}); {worth(comparison)} million GPU-hours a year at 100,000 GPUs. {_where(comparison)}"
        )
    return told


def _where(comparison: Comparison) -> str:
    found = moved(comparison)
    return (
        f"Lost GPU-hours of a run by category: {_changes(found.categories)}; by root cause: {_changes(found.causes)}."
    )


def _changes(items: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {change:+,.0f}" for name, change in items) or "no change"


def range_rows(answer: Answer) -> list[tuple[str, ...]]:
    """The same question at other values of assumed numbers."""
    first = answer.point.pairs[0]
    found = []
    for one, comparisons in zip(answer.point.ranges, answer.ranges, strict=True):
        for value, comparison in zip(one.values, comparisons, strict=True):
            gain = difference(first, comparison)
            without, _, amount, interval = shown(first, gain)
            found.append((f"{one.key} = {value}", without, amount, interval))
    return found


RANGE_HEADS = ("assumed", "without", "difference", "95% interval")


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
    parts = [f"# {TITLE}", *map(md, INTRO), md_table(HEADS, rows(answers))]
    for one in answers:
        point = one.point
        parts += [
            f"## {point.key}: {md(point.prop)}",
            f"*{md(point.claim)}*",
            md(point.mechanism),
            "\n".join(f"* {md(line)}" for line in sentences(one)),
        ]
        if point.ranges:
            parts += [f"On {point.pairs[0].machine}, over what is assumed:", md_table(RANGE_HEADS, range_rows(one))]
        parts += [f"{facts(one)}. To see more of it:", f"```\n{files(one)}\n```"]
    return "\n\n".join(parts) + "\n"


def page(answers: Sequence[Answer]) -> str:
    """The whole report as a page."""
    intro = "".join(f'<p class="intro">{escape(text)}</p>' for text in INTRO)
    header = f"<header><h1>{TITLE}</h1>{intro}</header>"
    return document(TITLE, header, [overview(answers), *map(section, answers)])


def overview(answers: Sequence[Answer]) -> Section:
    """Chart and table of all points."""
    columns = [Column(head, place > 3) for place, head in enumerate(HEADS)]
    body = figure(forest(answers)) + table("Every point on every machine", columns, rows(answers))
    return Section("overview", "All points", body)


def forest(answers: Sequence[Answer]) -> Chart:
    """Difference of every pair with its 95% interval."""
    import plotly.graph_objects as go

    found = [
        (f"{one.point.key} {pair.machine.rpartition(', ')[2]}", comparison.against[0].metrics["goodput"], one.point.prop)
        for one in answers
        for pair, comparison in zip(one.point.pairs, one.comparisons, strict=True)
    ]
    means = [100 * (one.estimate.mean or 0.0) for _, one, _ in found]
    halves = [50 * (one.estimate.ci95[1] - one.estimate.ci95[0]) if one.estimate.ci95 else 0.0 for _, one, _ in found]
    chart = blank(showlegend=False)
    chart.add_vline(x=0, line={"color": style.NEUTRAL, "width": 1})
    chart.add_trace(
        go.Scatter(
            x=[round(mean, 7) for mean in means],
            y=list(range(len(found))),
            mode="markers",
            marker={"size": 10, "color": [_UP if mean >= 0 else _DOWN for mean in means]},
            error_x={"type": "data", "array": [round(half, 7) for half in halves], "color": style.NEUTRAL},
            hovertext=[f"{safe(prop)}<br>{safe(spread(one, 'percent')[0])}" for _, one, prop in found],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    chart.update_xaxes(title_text="goodput gained by the property, points (bar: 95% interval)")
    chart.update_yaxes(range=[len(found) - 0.5, -0.5], **ticks([name for name, _, _ in found]))
    best = max(range(len(found)), key=means.__getitem__)
    finding = f"Worth most: {found[best][2]} ({found[best][0]}), {number(means[best])} points of goodput"
    return Chart("keynote", finding, (to_spec(chart),), 110 + 26 * len(found))


def section(answer: Answer) -> Section:
    """One point."""
    point = answer.point
    body = paragraph(point.claim, "note") + paragraph(point.mechanism)
    body += "".join(map(paragraph, sentences(answer)))
    if point.ranges:
        columns = [Column(head, place > 0) for place, head in enumerate(RANGE_HEADS)]
        caption = f"{point.pairs[0].machine}, over what is assumed"
        body += table(caption, columns, range_rows(answer))
    body += paragraph(f"{facts(answer)}. To see more of it:", "note") + f"<pre>{escape(files(answer))}</pre>"
    anchor = f"{point.key.lower()}-{'-'.join(point.prop.lower().split()[:3])}"
    return Section("".join(c for c in anchor if c.isalnum() or c == "-"), f"{point.key}: {point.prop}", body)
