"""The charts of a comparison; each function returns a `Chart`, one figure for each design but the base."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ras_sim.report import style
from ras_sim.report.compare_views import shares
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.style import label_of, number, percent
from ras_sim.report.timeline import safe

if TYPE_CHECKING:
    from ras_sim.experiment.compare import Against, Comparison

N_CAUSES = 12
_VISIBLE_FRAC = 1e-6
_LESS, _MORE = style.CATEGORY_COLOURS["productive"], style.CATEGORY_COLOURS["lost_work"]


def forest(comparison: Comparison) -> Chart:
    """Difference in goodput of every design from the base, with its 95% interval."""
    import plotly.graph_objects as go

    found = [one.metrics["goodput"] for one in comparison.against]
    means = [100 * (one.estimate.mean or 0.0) for one in found]
    ends = [one.estimate.ci95 or (one.estimate.mean or 0.0,) * 2 for one in found]
    names = [one.design.label for one in comparison.against]
    hover = [
        f"{safe(name)}<br>{mean:+.4f} points, 95%: {100 * low:+.4f} to {100 * high:+.4f}"
        for name, mean, (low, high) in zip(names, means, ends, strict=True)
    ]
    figure = blank(showlegend=False)
    figure.add_vline(x=0, line={"color": style.NEUTRAL, "width": 1})
    figure.add_trace(
        go.Scatter(
            x=means,
            y=list(range(len(names))),
            mode="markers",
            marker={"size": 11, "color": [_LESS if mean >= 0 else _MORE for mean in means]},
            error_x={
                "type": "data",
                "array": [100 * high - mean for mean, (_, high) in zip(means, ends, strict=True)],
                "arrayminus": [mean - 100 * low for mean, (low, _) in zip(means, ends, strict=True)],
                "color": style.NEUTRAL,
            },
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="goodput − base, points (bar: 95% interval)")
    figure.update_yaxes(range=[len(names) - 0.5, -0.5], **ticks(names))
    return Chart("forest", _forest_finding(comparison), (to_spec(figure),), 110 + 34 * len(names))


def _forest_finding(comparison: Comparison) -> str:
    """Which designs are clearly better than the base; a difference that may be chance is not called one."""
    base, n = comparison.designs[0].label, len(comparison.against)
    found = [(one.metrics["goodput"], one.design.label) for one in comparison.against]
    better = [(one.estimate.mean or 0.0, label) for one, label in found if one.is_clear and (one.estimate.mean or 0.0) > 0]
    if not better:
        return f"No design is clearly better than {base}"
    mean, best = max(better, key=lambda one: one[0])
    if n == 1:
        return f"{best} is clearly better than {base}: {100 * mean:+.3f} points"
    verb = "is" if len(better) == 1 else "are"
    return f"{len(better)} of {n} designs {verb} clearly better than {base}: {best} by {100 * mean:+.3f} points"


def moved(comparison: Comparison) -> Chart:
    """From the goodput of the base to that of the other, category by category, the largest change first."""
    specs, heights = [], []
    for index, one in enumerate(comparison.against, start=1):
        rows = _steps(shares(comparison, index), comparison.designs[0].label, one.design.label)
        specs.append(_steps_spec(rows))
        heights.append(110 + 30 * len(rows))
    return Chart(
        "moved", "Which part of the job's time became goodput, and which was lost", tuple(specs), max(heights)
    )


def _steps(
    table: Mapping[str, tuple[float, float]], base: str, other: str
) -> list[tuple[str, float, float, str]]:
    """Rows of the waterfall: label, where the bar begins, signed length, colour."""
    changes = {name: a - b for name, (a, b) in table.items() if name != "productive"}
    seen = {name: gain for name, gain in changes.items() if abs(gain) > _VISIBLE_FRAC}
    level, end = table.get("productive", (0.0, 0.0))
    rows = [(base, 0.0, level, style.NEUTRAL)]
    for name, gain in sorted(seen.items(), key=lambda item: -abs(item[1])):
        rows.append((label_of(name), level, gain, style.CATEGORY_COLOURS[name]))
        level += gain
    return [*rows, (other, 0.0, end, style.CATEGORY_COLOURS["productive"])]


def _steps_spec(rows: Sequence[tuple[str, float, float, str]]) -> str:
    """The waterfall of one design as a figure."""
    import plotly.graph_objects as go

    ends = [begin + length for _, begin, length, _ in rows] + [begin for _, begin, *_ in rows[1:-1]]
    room = 0.15 * max(max(ends) - min(ends), 1e-5)
    low, decimals_of_low = _floor(min(ends) - 2 * room, room)
    high = max(ends) + 3 * room
    totals = {0, len(rows) - 1}
    decimals = 2 - math.floor(math.log10(max([100 * abs(row[2]) for row in rows[1:-1]], default=1.0)))
    figure = blank(showlegend=False)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=list(range(len(rows))),
            base=[round(100 * (low if i in totals else row[1]), 7) for i, row in enumerate(rows)],
            x=[round(100 * (row[2] - (low if i in totals else 0.0)), 7) for i, row in enumerate(rows)],
            marker={"color": [row[3] for row in rows]},
            text=[
                percent(row[2], 3) if i in totals else _step_text(100 * row[2], max(decimals, 0))
                for i, row in enumerate(rows)
            ],
            textposition="outside",
            cliponaxis=False,
            hovertext=[_step_hover(row, i in totals) for i, row in enumerate(rows)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    title = f"share of the job's time that is productive (axis begins at {percent(low, decimals_of_low)})"
    figure.update_xaxes(range=[100 * low, 100 * high], title_text=title, ticksuffix="%")
    figure.update_yaxes(autorange="reversed", **ticks([row[0] for row in rows]))
    return to_spec(figure)


def _floor(share: float, step: float) -> tuple[float, int]:
    """The next share below in whole steps, and the decimals of percents that it has: what is told is where it is.

    Args:
        share: any.
        step: how fine, > 0; rounded down to a power of ten.

    >>> _floor(0.983391, 0.00002), _floor(0.913, 0.02)
    ((0.98339, 3), (0.91, 0))
    """
    exponent = math.floor(math.log10(step))
    return round(math.floor(round(share / 10.0**exponent, 6)) * 10.0**exponent, 12), max(-exponent - 2, 0)


def _step_text(points: float, decimals: int) -> str:
    """A step with its sign, in the decimals of all; one that would read as nothing shows its first figure.

    >>> _step_text(0.731, 1), _step_text(-0.0213, 1)
    ('+0.7', '-0.02')
    """
    text = f"{points:+.{decimals}f}"
    if float(text) or not points:
        return text
    return f"{'+' if points > 0 else '-'}{number(abs(points), 1)}"


def _step_hover(row: tuple[str, float, float, str], is_total: bool) -> str:
    label, _, length, _ = row
    if is_total:
        return f"{safe(label)}: goodput {percent(length, 4)}"
    word = "less" if length > 0 else "more"
    return f"{safe(label)}: {100 * abs(length):.4f} points {word} of the time"


def causes(comparison: Comparison) -> Chart | None:
    """Difference in lost GPU-hours by root cause with 95% intervals; None if no cause differs anywhere."""
    if all(row.is_zero for one in comparison.against for row in one.lost_gpu_hours_by_mode.values()):
        return None
    found = [_causes_spec(one) for one in comparison.against]
    height = 130 + 30 * max(n for _, n in found)
    finding = "Lost GPU-hours by root cause: less than in the base to the left, more to the right"
    return Chart("causes", finding, tuple(spec for spec, _ in found), height)


def _causes_spec(one: Against) -> tuple[str, int]:
    """The figure of one design, and its number of rows."""
    import plotly.graph_objects as go

    rows = [(name, row) for name, row in one.lost_gpu_hours_by_mode.items() if not row.is_zero]
    rows = sorted(rows, key=lambda item: -abs(item[1].estimate.mean or 0.0))[:N_CAUSES]
    means = [row.estimate.mean or 0.0 for _, row in rows]
    halves = [
        (row.estimate.ci95[1] - mean if row.estimate.ci95 else 0.0)
        for (_, row), mean in zip(rows, means, strict=True)
    ]
    hover = [
        f"{safe(name)}: {mean:+,.1f} ± {number(half)} GPU-h per replication"
        for (name, _), mean, half in zip(rows, means, halves, strict=True)
    ]
    figure = blank(showlegend=False)
    figure.add_trace(
        go.Bar(
            orientation="h",
            y=list(range(len(rows))),
            x=[round(mean, 3) for mean in means],
            error_x={"type": "data", "array": halves, "color": style.NEUTRAL},
            marker={"color": [_LESS if mean < 0 else _MORE for mean in means]},
            hovertext=hover,
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(
        title_text="lost GPU-hours per replication, less those of the base (bar: 95% interval)"
    )
    figure.update_yaxes(autorange="reversed", **ticks([name for name, _ in rows]))
    return to_spec(figure), max(len(rows), 1)


def pairs(comparison: Comparison) -> Chart:
    """Goodput of each replication in both designs: what pairing rests on."""
    ours = [100 * one.goodput for one in comparison.measures[0]]
    specs = [
        _pairs_spec(ours, [100 * one.goodput for one in measures], [one.replication for one in measures])
        for measures in comparison.measures[1:]
    ]
    finding = "Goodput of each replication in both designs: above the line, the other design is better"
    return Chart("pairs", finding, tuple(specs), 420)


def _pairs_spec(ours: Sequence[float], theirs: Sequence[float], numbers: Sequence[int]) -> str:
    import plotly.graph_objects as go

    ends = [min(*ours, *theirs), max(*ours, *theirs)]
    axis: dict[str, Any] = {"ticksuffix": "%", "showgrid": True}
    figure = blank(showlegend=False)
    figure.add_trace(
        go.Scatter(x=ends, y=ends, mode="lines", line={"color": style.NEUTRAL}, hoverinfo="skip")
    )
    figure.add_trace(
        go.Scatter(
            x=[round(x, 6) for x in ours],
            y=[round(y, 6) for y in theirs],
            mode="markers",
            marker={"size": 7, "color": _LESS, "opacity": 0.7},
            hovertext=[
                f"replication {n}: {x:.3f}% and {y:.3f}%"
                for n, x, y in zip(numbers, ours, theirs, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="goodput of the base (line: equal)", **axis)
    figure.update_yaxes(title_text="goodput of the other", **axis)
    return to_spec(figure)
