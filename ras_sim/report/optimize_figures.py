"""The charts of an optimum: history of the search, each setting against the objective, the Pareto front."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ras_sim.experiment.search import is_log
from ras_sim.report import style
from ras_sim.report.compare_views import level
from ras_sim.report.figures import Chart, blank, ticks, to_spec
from ras_sim.report.setting import axis_unit, setting
from ras_sim.report.sweep_views import kind_of, metric_label
from ras_sim.report.timeline import safe
from ras_sim.scenario.uncertain import quantity

if TYPE_CHECKING:
    from ras_sim.experiment.factors import Factor
    from ras_sim.experiment.optimize import Optimum, Trial

_FEW = 20
"""Whole numbers up to so many have a tick each."""
_TRIED, _BEST, _AS_IS = "#0072B2", "#D55E00", "#009E73"


def _scale(metric: str) -> tuple[float, str]:
    """Factor to what an axis shows, and its unit."""
    scales = {"percent": (100.0, "%"), "span": (1.0, " h"), "thousands": (0.001, "")}
    return scales.get(kind_of(metric), (1.0, ""))


def named(found: Optimum, metric: str) -> str:
    """Name of a metric, of a cost with the currency of the scenario."""
    return metric_label(metric, found.scenario.currency)


def _level(found: Optimum, one: Trial, place: int = 0) -> float:
    scale, _ = _scale(found.objectives[place])
    return round(scale * (one.outcome or (0.0,))[place], 7)


def _hover(found: Optimum, one: Trial) -> str:
    """A trial in words."""
    values = [f"{safe(f.key)}: {safe(setting(f.key, text))}" for f, text in zip(found.factors, one.values, strict=True)]
    levels = [
        f"{named(found, name)}: {level(mean, kind_of(name))}"
        for name, mean in zip(found.objectives, one.outcome or (), strict=True)
    ]
    return "<br>".join([f"trial {one.number}", *values, *levels])


def _dots(found: Optimum, x: list[Any], y: list[float], **look: Any) -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        hovertext=[_hover(found, one) for one in found.worth()],
        hovertemplate="%{hovertext}<extra></extra>",
        **look,
    )


def history(found: Optimum) -> Chart:
    """The first objective of every trial in their order, with the best so far."""
    import plotly.graph_objects as go

    worth, metric, sign = found.worth(), found.objectives[0], found.signs[0]
    y = [_level(found, one) for one in worth]
    x = [one.number for one in worth]
    best = list(accumulate(y, max if sign > 0 else min))
    chart = blank()
    chart.add_trace(_dots(found, x, y, name="trial", marker={"size": 8, "color": _TRIED}))
    line = {"color": _BEST, "shape": "hv", "width": 2}
    chart.add_trace(go.Scatter(x=x, y=best, mode="lines", name="best so far", line=line, hoverinfo="skip"))
    chart.update_xaxes(title_text="trial")
    chart.update_yaxes(title_text=named(found, metric), ticksuffix=_scale(metric)[1], showgrid=True)
    last = next(number for number, level_so_far in zip(x, best, strict=True) if level_so_far == best[-1])
    return Chart(
        "history", f"The best trial in {named(found, metric)} was number {last}", (to_spec(chart),), 360
    )


def slices(found: Optimum) -> list[Chart]:
    """Each setting against the first objective, all other settings as they come."""
    return [_slice(found, place, factor) for place, factor in enumerate(found.factors)]


def _slice(found: Optimum, place: int, factor: Factor) -> Chart:
    worth, metric = found.worth(), found.objectives[0]
    y = [_level(found, one) for one in worth]
    chart = blank(showlegend=False)
    winners = {one.trial.number for one in found.finalists}
    colours = [_BEST if one.number in winners else _TRIED for one in worth]
    axis: dict[str, Any] = {"title_text": safe(factor.key)}
    if factor.span is None:
        x: list[Any] = [factor.values.index(one.values[place]) for one in worth]
        axis |= {**ticks(factor.values), "range": [-0.5, len(factor.values) - 0.5]}
    else:
        x = [(quantity({"": one.values[place]}, ("",)) or (0.0, ""))[0] for one in worth]
        scale, unit = axis_unit(factor.span.unit, factor.span.high)
        x = [float(f"{scale * at:.7g}") for at in x]
        axis |= {
            "ticksuffix": f" {safe(unit)}".rstrip(),
            "type": "log" if is_log(factor.span) else "linear",
        }
        if is_log(factor.span):
            at = _log_ticks(min(x), max(x))
            texts = [f"{style.number(value, 1)}{axis['ticksuffix']}" for value in at]
            axis |= {"tickmode": "array", "tickvals": at, "ticktext": texts}
    if factor.span is not None and factor.span.is_whole and factor.span.high - factor.span.low <= _FEW:
        axis["dtick"] = 1
    chart.add_trace(_dots(found, x, y, marker={"size": 9, "color": colours, "opacity": 0.8}))
    chart.update_xaxes(**axis, showgrid=True)
    chart.update_yaxes(title_text=named(found, metric), ticksuffix=_scale(metric)[1], showgrid=True)
    finding = (
        f"{named(found, metric)} against {factor.key}; orange: the winner{'s' if len(winners) > 1 else ''}"
    )
    return Chart(f"slice-{place}", finding, (to_spec(chart),), 340)


def _log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten between the ends; of many powers the powers alone.

    >>> _log_ticks(5.0, 240.0), _log_ticks(0.004, 300.0)
    ([5.0, 10.0, 20.0, 50.0, 100.0, 200.0], [0.01, 0.1, 1.0, 10.0, 100.0])
    """
    ends = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    every = [float(f"{step}e{power}") for power in range(ends[0], ends[1] + 1) for step in steps]
    return [at for at in every if low <= at <= high]


def front(found: Optimum) -> Chart:
    """All trials in the plane of the first two objectives, and the front on the histories of the search."""
    import plotly.graph_objects as go

    worth = found.worth()
    first, second = found.objectives[:2]
    x, y = ([_level(found, one, place) for one in worth] for place in (0, 1))
    chart = blank()
    chart.add_trace(_dots(found, x, y, name="trial", marker={"size": 8, "color": _TRIED, "opacity": 0.6}))
    winners = sorted((one.trial for one in found.finalists), key=lambda one: _level(found, one))
    chart.add_trace(
        go.Scatter(
            x=[_level(found, one, 0) for one in winners],
            y=[_level(found, one, 1) for one in winners],
            mode="markers+lines" if len(found.objectives) == 2 else "markers",
            name="Pareto front",
            line={"color": _BEST, "shape": "hv" if found.signs[0] < 0 else "vh", "width": 1.5},
            marker={"size": 10, "color": _BEST},
            hovertext=[_hover(found, one) for one in winners],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    chart.add_trace(_as_it_is(found))
    for update, name in ((chart.update_xaxes, first), (chart.update_yaxes, second)):
        update(title_text=named(found, name), ticksuffix=_scale(name)[1], showgrid=True)
    words = ["higher" if sign > 0 else "lower" for sign in found.signs[:2]]
    finding = (
        f"No trial is better than the orange ones: {named(found, first)} {words[0]}, {named(found, second)} {words[1]} is "
        "better"
    )
    return Chart("front", finding, (to_spec(chart),), 460)


def _as_it_is(found: Optimum) -> Any:
    """The scenario as it is in the plane of the first two objectives."""
    import plotly.graph_objects as go

    at = [
        round(_scale(name)[0] * (one.mean or 0.0), 7)
        for name, one in zip(found.objectives[:2], found.base[:2], strict=True)
    ]
    return go.Scatter(
        x=at[:1],
        y=at[1:],
        mode="markers",
        name="as it is",
        marker={
            "size": 12,
            "symbol": "diamond",
            "color": _AS_IS,
            "line": {"width": 1, "color": style.NEUTRAL},
        },
        hovertemplate="the scenario as it is<extra></extra>",
    )
