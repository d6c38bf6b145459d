"""The charts of a sweep: a curve, a map, or parallel coordinates; each function returns a `Chart`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from ras_sim.report import style
from ras_sim.report import sweep_views as views
from ras_sim.report.compare_views import level
from ras_sim.report.figures import Chart, blank, short, ticks, to_spec
from ras_sim.report.timeline import safe

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from ras_sim.experiment.points import Axis
    from ras_sim.experiment.sweep import Finished, Sweep

N_TICKS = 14
N_CELL_TEXTS = 200
N_SHADES = 8
_LOG_FROM = 20.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_BAND, _BEST, _AS_GOOD = "rgba(0,114,178,0.18)", "#D55E00", "#0072B2"


def charts(sweep: Sweep) -> list[Chart]:
    """One factor, or several that go together: a curve. Two: a map. More: parallel coordinates."""
    n = len(sweep.axes)
    if n == 1 or sweep.design == "zip":
        return [curve(sweep), *([parallel(sweep)] if n > 2 else [])]
    if n == 2:
        return [heat_map(sweep) if sweep.design == "grid" else scatter(sweep)]
    return [parallel(sweep)]


def _scale(metric: str) -> tuple[float, str]:
    """Factor to what an axis shows, and its unit."""
    kind = views.kind_of(metric)
    if kind == "percent":
        return 100.0, "%"
    if kind == "thousands":
        return 0.001, ""
    return 1.0, " h" if kind == "span" else ""


def _finding(sweep: Sweep) -> str:
    if all(one.from_best is None or one.from_best.is_zero for one in sweep.finished):
        return f"{views.metric_label(sweep.metric, sweep.scenario.currency)} is the same at every point"
    return views.finding(sweep)


def _hover(sweep: Sweep, one: Finished) -> str:
    """A point in words."""
    found, kind = one.metrics[sweep.metric], views.kind_of(sweep.metric)
    values = "<br>".join(
        f"{safe(axis.key)}: {safe(value)}" for axis, value in zip(sweep.axes, one.point.values, strict=True)
    )
    text = f"{values}<br>{views.metric_label(sweep.metric, sweep.scenario.currency)}: {level(found.mean, kind)}"
    if found.ci95 is not None:
        text += f"<br>95%: {level(found.ci95[0], kind)} to {level(found.ci95[1], kind)}"
    return text


def _numbers(axis: Axis) -> list[float] | None:
    """The levels of an axis of numbers; None for one of texts."""
    found = [one for one in axis.levels if isinstance(one, float)]
    return found if axis.unit is not None else None


def _defined(sweep: Sweep) -> list[Finished]:
    return [one for one in sweep.finished if one.metrics[sweep.metric].mean is not None]


def _mean(sweep: Sweep, one: Finished) -> float:
    """The metric as its axis shows it; only for a point where it is defined."""
    return round(_scale(sweep.metric)[0] * (one.metrics[sweep.metric].mean or 0.0), 7)


def curve(sweep: Sweep) -> Chart:
    """The metric along the values, with a band of 95% intervals."""
    import plotly.graph_objects as go

    numbers = _numbers(sweep.axes[0]) if len(sweep.axes) == 1 else None
    points = _defined(sweep)
    if numbers is not None:
        points.sort(key=lambda one: numbers[one.point.index])
    x = [float(place) if numbers is None else numbers[one.point.index] for place, one in enumerate(points)]
    figure = blank(showlegend=False)
    scale, unit = _scale(sweep.metric)
    ends = [one.metrics[sweep.metric].ci95 for one in points]
    banded = [(at, scale * low, scale * high) for at, (low, high) in _known(x, ends)]
    if banded:
        outline = [(at, high) for at, _, high in banded] + [(at, low) for at, low, _ in reversed(banded)]
        band_x, band_y = zip(*outline, strict=True)
        look = {"fill": "toself", "fillcolor": _BAND, "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_trace(go.Scatter(x=band_x, y=[round(y, 7) for y in band_y], mode="lines", **look))
    figure.add_trace(
        go.Scatter(
            x=x,
            y=[_mean(sweep, one) for one in points],
            mode="lines+markers",
            line={"color": style.NEUTRAL},
            marker={"size": 9, "color": [_colour(sweep, one) for one in points]},
            hovertext=[_hover(sweep, one) for one in points],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(**_axis_of_values(sweep, points, x, numbers is not None))
    figure.update_yaxes(title_text=views.metric_label(sweep.metric, sweep.scenario.currency), ticksuffix=unit, showgrid=True)
    note = "; shaded: 95% intervals" if banded else ""
    return Chart("curve", f"{_finding(sweep)}{note}", (to_spec(figure),), 420)


def _known(
    x: Sequence[float], ends: Sequence[tuple[float, float] | None]
) -> list[tuple[float, tuple[float, float]]]:
    return [(at, pair) for at, pair in zip(x, ends, strict=True) if pair is not None]


def _colour(sweep: Sweep, one: Finished) -> str:
    if sweep.best is not None and one is sweep.finished[sweep.best]:
        return _BEST
    return _AS_GOOD if one.is_as_good else style.NEUTRAL


def _axis_of_values(
    sweep: Sweep, points: Sequence[Finished], x: Sequence[float], is_number: bool
) -> dict[str, Any]:
    """Settings of the axis along a curve: the values as they were written."""
    names = [", ".join(one.point.values) for one in points]
    title = ", ".join(safe(axis.key) for axis in sweep.axes)
    if not is_number:
        return {"title_text": title, **ticks(names), "range": [-0.5, len(names) - 0.5]}
    found: dict[str, Any] = {"title_text": title, **_log_where_wide(x)}
    if len(points) <= N_TICKS:
        return {**found, "tickmode": "array", "tickvals": list(x), "ticktext": [short(n) for n in names]}
    return {**found, "ticksuffix": f" {safe(sweep.axes[0].unit or '')}".rstrip()}


def _log_where_wide(x: Sequence[float]) -> dict[str, Any]:
    return {"type": "log"} if x and min(x) > 0 and max(x) / min(x) >= _LOG_FROM else {}


def _in_order(axis: Axis, values: Sequence[str]) -> list[str]:
    """The values of a factor once each, numbers by their size."""
    numbers = _numbers(axis)
    if numbers is None:
        return list(dict.fromkeys(values))
    sizes = dict(zip(values, numbers, strict=True))
    return sorted(sizes, key=sizes.__getitem__)


def heat_map(sweep: Sweep) -> Chart:
    """The metric at every pair of values of two factors."""
    import plotly.graph_objects as go

    columns, lines = (
        _in_order(axis, [point.values[place] for point in sweep.points])
        for place, axis in enumerate(sweep.axes)
    )
    cells = {one.point.values: one for one in _defined(sweep)}
    found = [[cells.get((column, line)) for column in columns] for line in lines]
    kind = views.kind_of(sweep.metric)
    texts = _table(found, lambda one: level(one.metrics[sweep.metric].mean, kind))
    figure = blank(showlegend=False)
    figure.add_trace(
        go.Heatmap(
            z=[[None if one is None else _mean(sweep, one) for one in row] for row in found],
            text=texts if len(columns) * len(lines) <= N_CELL_TEXTS else None,
            texttemplate="%{text}" if len(columns) * len(lines) <= N_CELL_TEXTS else None,
            hovertext=_table(found, lambda one: _hover(sweep, one)),
            hovertemplate="%{hovertext}<extra></extra>",
            **_shades(sweep),
            xgap=1,
            ygap=1,
        )
    )
    figure.update_xaxes(title_text=safe(sweep.axes[0].key), **ticks(columns))
    figure.update_yaxes(title_text=safe(sweep.axes[1].key), **ticks(lines))
    return Chart("map", _finding(sweep), (to_spec(figure),), 150 + min(600, 44 * len(lines)))


def _table(found: Sequence[Sequence[Finished | None]], tell: Callable[[Finished], str]) -> list[list[str]]:
    return [["" if one is None else tell(one) for one in row] for row in found]


def _shades(sweep: Sweep) -> dict[str, Any]:
    """Colours that everybody can tell apart (cividis), light is more, and their key."""
    bar = {
        "title": {"text": views.metric_label(sweep.metric, sweep.scenario.currency)},
        "ticksuffix": _scale(sweep.metric)[1],
        "thickness": 14,
    }
    return {"colorscale": "Cividis", "colorbar": bar}


def scatter(sweep: Sweep) -> Chart:
    """The metric at points anywhere in the plane of two factors."""
    import plotly.graph_objects as go

    points = _defined(sweep)
    figure = blank(showlegend=False)
    places, settings = [], []
    for number, axis in enumerate(sweep.axes):
        numbers = _numbers(axis)
        names = _in_order(axis, [point.values[number] for point in sweep.points])
        at = [
            float(names.index(one.point.values[number])) if numbers is None else numbers[one.point.index]
            for one in points
        ]
        places.append(at)
        settings.append(
            ticks(names) if numbers is None else {"ticksuffix": f" {safe(axis.unit or '')}".rstrip()}
        )
    figure.add_trace(
        go.Scatter(
            x=places[0],
            y=places[1],
            mode="markers",
            marker={"size": 12, "color": [_mean(sweep, one) for one in points], **_shades(sweep)},
            hovertext=[_hover(sweep, one) for one in points],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text=safe(sweep.axes[0].key), showgrid=True, **settings[0])
    figure.update_yaxes(title_text=safe(sweep.axes[1].key), showgrid=True, **settings[1])
    return Chart("map", _finding(sweep), (to_spec(figure),), 460)


def parallel(sweep: Sweep) -> Chart:
    """Every point as a line across one upright axis per factor and one of the metric.

    Drawn with plain lines: plotly's own kind needs WebGL and code made at run time, which the page forbids.
    """
    points = sorted(_defined(sweep), key=lambda one: _mean(sweep, one))
    tracks = [_track(axis, sweep, points, place) for place, axis in enumerate(sweep.axes)]
    tracks.append(_metric_track(sweep, points))
    figure = blank(showlegend=False)
    shades = _shade_colours()
    for shade, colour in enumerate(shades):
        chosen = [at for at in range(len(points)) if at * len(shades) // len(points) == shade]
        _add_lines(figure, sweep, points, tracks, chosen, {"color": colour, "width": 1.4})
    best = [
        at for at, one in enumerate(points) if sweep.best is not None and one is sweep.finished[sweep.best]
    ]
    _add_lines(figure, sweep, points, tracks, best, {"color": _BEST, "width": 3.5})
    for place, (_, low, high) in enumerate(tracks):
        upright = {"x0": place, "x1": place, "y0": 0.0, "y1": 1.0}
        figure.add_shape(type="line", line={"color": style.NEUTRAL, "width": 1}, **upright)
        for at, text, anchor in ((0.0, low, "top"), (1.0, high, "bottom")):
            figure.add_annotation(x=place, y=at, text=short(text), showarrow=False, yanchor=anchor)
    names = [*(axis.label for axis in sweep.axes), views.metric_label(sweep.metric, sweep.scenario.currency)]
    figure.update_xaxes(showgrid=False, range=[-0.4, len(names) - 0.6], ticklabeloverflow="allow", **ticks(names))
    figure.update_yaxes(range=[-0.12, 1.12], visible=False)
    finding = f"{_finding(sweep)} (thick line; light lines are higher, dark ones lower)"
    return Chart("parallel", finding, (to_spec(figure),), 480)


_Track = tuple[list[float], str, str]
"""Heights of the points on one upright axis, 0..1, and what stands at its lower and at its upper end."""


def _track(axis: Axis, sweep: Sweep, points: Sequence[Finished], place: int) -> _Track:
    names = _in_order(axis, [point.values[place] for point in sweep.points])
    numbers = _numbers(axis)
    if numbers is None:
        heights = [float(names.index(one.point.values[place])) for one in points]
        return _in_unit(heights, 0.0, len(names) - 1.0), names[0], names[-1]
    heights = [numbers[one.point.index] for one in points]
    return _in_unit(heights, min(numbers), max(numbers)), names[0], names[-1]


def _metric_track(sweep: Sweep, points: Sequence[Finished]) -> _Track:
    means = [_mean(sweep, one) for one in points]
    texts = [
        level(one.metrics[sweep.metric].mean, views.kind_of(sweep.metric)) for one in (points[0], points[-1])
    ]
    return _in_unit(means, means[0], means[-1]), texts[0], texts[1]


def _in_unit(values: Sequence[float], low: float, high: float) -> list[float]:
    """Values from low..high to 0..1; in the middle where there is no range."""
    return [round((value - low) / (high - low), 5) if high > low else 0.5 for value in values]


def _shade_colours() -> list[str]:
    """Cividis in a few steps, without its two ends, which would be lost on a dark or a light page."""
    from plotly.colors import sample_colorscale

    return list(sample_colorscale("Cividis", [0.1 + 0.8 * step / (N_SHADES - 1) for step in range(N_SHADES)]))


def _add_lines(
    figure: Figure,
    sweep: Sweep,
    points: Sequence[Finished],
    tracks: Sequence[_Track],
    chosen: Sequence[int],
    line: dict[str, Any],
) -> None:
    """The chosen points as one trace; None lifts the pen between two of them."""
    import plotly.graph_objects as go

    if not chosen:
        return
    x = [*map(float, range(len(tracks))), None] * len(chosen)
    y = chain.from_iterable([*(heights[at] for heights, _, _ in tracks), None] for at in chosen)
    hover = chain.from_iterable([_hover(sweep, points[at])] * (len(tracks) + 1) for at in chosen)
    figure.add_trace(
        go.Scatter(
            x=x,
            y=list(y),
            mode="lines",
            line=line,
            hovertext=list(hover),
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
