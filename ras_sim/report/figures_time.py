"""The charts over time: the job and its incidents, and the levels of what is limited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ras_sim.ledger import CATEGORIES
from ras_sim.report import style
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.style import label_of, percent, resource_label, span
from ras_sim.report.timeline import OTHER_LANE, Bar, Marker, Steps, clock, is_supply, safe

if TYPE_CHECKING:
    from plotly.graph_objects import Bar as BarTrace
    from plotly.graph_objects import Figure, Scatter

H_PER_DAY = 24.0


def timelines(finding: str, drawn: Sequence[tuple[Sequence[Bar], Sequence[Marker], float]]) -> Chart:
    """Phases of the job and incidents of each of several replications, in one zoomable chart.

    Args:
        finding: what is to be seen.
        drawn: (bars, markers, horizon in hours) of each replication.
    """
    lanes = max((len({marker.lane for marker in marks}) for _, marks, _ in drawn), default=0)
    specs = tuple(to_spec(_timeline(bars, marks, horizon_h)) for bars, marks, horizon_h in drawn)
    return Chart("timeline", finding, specs, 250 + 30 * lanes)


def _timeline(bars: Sequence[Bar], marks: Sequence[Marker], horizon_h: float) -> Figure:
    """One replication: a lane for the job's phases, below it one for each component class."""
    counts: dict[str, int] = {}
    for mark in marks:
        counts[mark.lane] = counts.get(mark.lane, 0) + 1
    lanes = sorted(counts, key=lambda lane: (lane == OTHER_LANE, -counts[lane], lane))
    figure = blank(barmode="overlay", bargap=0, dragmode="zoom")
    for category in CATEGORIES:
        chosen = [bar for bar in bars if bar.category == category]
        if chosen:
            figure.add_trace(_phase_bars(category, chosen))
    for effect in style.EFFECT_COLOURS:
        some = [mark for mark in marks if mark.effect == effect]
        if some:
            figure.add_trace(_incident_marks(effect, some, lanes))
    end = horizon_h / H_PER_DAY
    figure.update_xaxes(title_text="day", range=[0, end], fixedrange=False, minallowed=0, maxallowed=end)
    figure.update_yaxes(range=[len(lanes) + 0.6, -0.8], showgrid=True, **ticks(["the job", *lanes]))
    return figure


def _phase_bars(category: str, bars: Sequence[Bar]) -> BarTrace:
    """All stretches of one category, in the lane of the job."""
    import plotly.graph_objects as go

    label = label_of(category)
    return go.Bar(
        name=label,
        orientation="h",
        y=[0] * len(bars),
        base=[round(bar.start_h / H_PER_DAY, 6) for bar in bars],
        x=[round(bar.hours / H_PER_DAY, 6) for bar in bars],
        width=1.0,
        # A colour that is not quite opaque makes plotly round a bar to pixels; an opaque bar would
        # be at least one pixel wide, and thousands of short phases would cover the running time between them.
        marker={"color": style.CATEGORY_COLOURS[category] + "FE", "line": {"width": 0}},
        hovertext=[f"{span(bar.hours)} from {clock(bar.start_h)}" for bar in bars],
        hovertemplate=f"{label}, %{{hovertext}}<extra></extra>",
    )


def _incident_marks(effect: str, marks: Sequence[Marker], lanes: Sequence[str]) -> Scatter:
    """All incidents that had one effect on the job: its own shape and colour."""
    import plotly.graph_objects as go

    place = {lane: index + 1 for index, lane in enumerate(lanes)}
    return go.Scatter(
        name=style.EFFECT_LABELS[effect],
        mode="markers",
        x=[round(mark.time_h / H_PER_DAY, 6) for mark in marks],
        y=[place[mark.lane] for mark in marks],
        marker={"color": style.EFFECT_COLOURS[effect], "symbol": style.EFFECT_SYMBOLS[effect], "size": 8},
        hovertext=[mark.text for mark in marks],
        hovertemplate="%{hovertext}<extra></extra>",
        hoverlabel={"align": "left"},
    )


def resources(finding: str, drawn: Sequence[tuple[Sequence[Steps], float]]) -> Chart:
    """Levels of limited resources over time, one panel each, for each of several replications.

    Args:
        finding: what is to be seen.
        drawn: (levels, horizon in hours) of each replication.
    """
    n_panels = max(len(levels) for levels, _ in drawn)
    specs = tuple(to_spec(_panels(levels, horizon_h)) for levels, horizon_h in drawn)
    return Chart("resources", finding, specs, 90 + 110 * n_panels)


def _panels(levels: Sequence[Steps], horizon_h: float) -> Figure:
    """One step line for each resource, all over the same days."""
    figure = blank(showlegend=False, dragmode="zoom")
    for index, one in enumerate(levels):
        suffix = "" if index == 0 else str(index + 1)
        # The top quarter of a panel is for its name.
        top, bottom = 1 - (index + 0.25) / len(levels), 1 - (index + 0.95) / len(levels)
        figure.add_trace(_level_line(one, f"y{suffix}"))
        figure.update_layout({f"yaxis{suffix}": _level_axis(one, bottom, top)})
        figure.add_annotation(
            text=_panel_title(one),
            x=0,
            xref="paper",
            xanchor="left",
            y=top,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
        )
    lowest = "y" if len(levels) < 2 else f"y{len(levels)}"
    end = horizon_h / H_PER_DAY
    figure.update_xaxes(
        title_text="day", range=[0, end], anchor=lowest, fixedrange=False, minallowed=0, maxallowed=end
    )
    return figure


def _panel_title(one: Steps) -> str:
    """What a level counts, and for how long of this replication there was none of what can run out."""
    name = f"<b>{safe(resource_label(one.name))}</b>"
    return f"{name}: none for {percent(one.zero_frac, 1)} of this replication" if is_supply(one.name) else name


def _level_line(one: Steps, axis: str) -> Scatter:
    """A level that stays until it changes."""
    import plotly.graph_objects as go

    return go.Scatter(
        name=safe(resource_label(one.name)),
        x=[round(time_h / H_PER_DAY, 5) for time_h in one.times_h],
        y=one.levels,
        yaxis=axis,
        mode="lines",
        line={"shape": "hv", "width": 1.6, "color": style.CATEGORY_COLOURS["initialise"]},
        hovertemplate="day %{x:.2f}: %{y}<extra></extra>",
    )


def _level_axis(one: Steps, bottom: float, top: float) -> dict[str, object]:
    """The vertical axis of a panel: whole numbers from 0 (or below) to a little above the highest level."""
    low, high = min(0, *one.levels), max(1, *one.levels)
    return {
        "domain": [bottom, top],
        "range": [low - 0.04 * (high - low), high + 0.1 * (high - low)],
        "tickmode": "array",
        "tickvals": sorted({low, 0, high // 2, high}),
        "fixedrange": True,
        "zeroline": False,
        "automargin": True,
        "showgrid": True,
    }
