"""The charts of a sensitivity study: a tornado, the plane of Morris, the bars of Sobol; each returns a `Chart`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ras_sim.report import style
from ras_sim.report.compare_views import level
from ras_sim.report.figures import Chart, blank, short, ticks, to_spec
from ras_sim.report.sweep_views import kind_of, metric_label
from ras_sim.report.timeline import safe

if TYPE_CHECKING:
    from plotly.graph_objects import Bar as BarTrace

    from ras_sim.experiment.screening import Index
    from ras_sim.experiment.sensitivity import Sensitivity

N_BARS = 24
_LOW, _HIGH = "#0072B2", "#D55E00"


def charts(found: Sensitivity) -> list[Chart]:
    """The chart of the method; none where nothing moves."""
    if found.method == "tornado":
        return [tornado(found)] if any(one.swing.mean for one in found.swings) else []
    if found.response is None or found.response[0] == found.response[1]:
        return []
    return [plane(found)] if found.method == "morris" else [shares(found)]


def _scale(found: Sensitivity) -> tuple[float, str]:
    """Factor to what an axis shows, and its unit."""
    scales = {"percent": (100.0, "points"), "span": (1.0, "hours"), "thousands": (0.001, "")}
    return scales.get(kind_of(found.metric), (1.0, ""))


def _metric(found: Sensitivity) -> str:
    """Name of the metric, of a cost with its currency."""
    return metric_label(found.metric, found.scenario.currency)


def _title(found: Sensitivity, what: str) -> str:
    unit = _scale(found)[1]
    return f"{_metric(found)}, {what}{f', {unit}' if unit else ''}"


def tornado(found: Sensitivity) -> Chart:
    """What each number moves at its low and at its high end, the largest swing first."""
    shown = [place for place in found.ranked() if found.swings[place].swing.mean][:N_BARS]
    chart = blank(barmode="overlay")
    chart.add_trace(_ends(found, shown, "low"))
    chart.add_trace(_ends(found, shown, "high"))
    chart.update_xaxes(
        title_text=_title(found, "against the scenario as it is") + " (bar: 95% interval)",
        zeroline=True,
        showgrid=True,
    )
    chart.update_yaxes(autorange="reversed", **ticks([found.numbers[place].label for place in shown]))
    best = found.numbers[shown[0]].key
    finding = f"{_metric(found)} swings most with {best}"
    return Chart("tornado", finding, (to_spec(chart),), 140 + 34 * len(shown))


def _ends(found: Sensitivity, shown: Sequence[int], end: str) -> BarTrace:
    """One end of every range as bars."""
    import plotly.graph_objects as go

    scale, _ = _scale(found)
    moved = [getattr(found.swings[place], f"at_{end}") for place in shown]
    halves = [
        0.0 if one.estimate.ci95 is None else scale * (one.estimate.ci95[1] - one.estimate.ci95[0]) / 2
        for one in moved
    ]
    kind = kind_of(found.metric)
    return go.Bar(
        name=f"at the {end} end",
        orientation="h",
        y=list(range(len(shown))),
        x=[round(scale * (one.estimate.mean or 0.0), 7) for one in moved],
        error_x={"type": "data", "array": [round(half, 7) for half in halves], "color": style.NEUTRAL},
        marker={"color": _LOW if end == "low" else _HIGH},
        opacity=0.85,
        hovertext=[
            f"{safe(found.numbers[place].key)} = {safe(getattr(found.numbers[place], end))}: "
            f"{level(one.other, kind)}"
            for place, one in zip(shown, moved, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _of(found: Sensitivity, name: str) -> tuple[Index, ...]:
    assert found.screening is not None, "drawn only with a screening"
    return found.screening.indices[name]


def _half(one: Index) -> float:
    """Half-width of both intervals together: points and histories are drawn independently."""
    return float(((one.sampling or 0.0) ** 2 + (one.histories or 0.0) ** 2) ** 0.5)


def plane(found: Sensitivity) -> Chart:
    """mu* and sigma of every number: far to the right it matters, high up it depends on others or bends."""
    import plotly.graph_objects as go

    scale, _ = _scale(found)
    order = found.ranked()
    star, sigma = _of(found, "mu_star"), _of(found, "sigma")
    x = [round(scale * (star[place].value or 0.0), 7) for place in order]
    y = [round(scale * (sigma[place].value or 0.0), 7) for place in order]
    top = max(*x, *y)
    chart = blank(showlegend=False)
    line = {"color": style.NEUTRAL, "dash": "dot", "width": 1}
    chart.add_trace(go.Scatter(x=[0, top], y=[0, top], mode="lines", line=line, hoverinfo="skip"))
    named = [value > 0.08 * top for value in x]
    chart.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers+text",
            error_x={
                "type": "data",
                "array": [round(scale * _half(star[p]), 7) for p in order],
                "color": style.NEUTRAL,
            },
            marker={"size": 10, "color": _LOW},
            text=[
                short(found.numbers[p].label) if show else "" for p, show in zip(order, named, strict=True)
            ],
            textposition=["top left" if value > 0.6 * top else "top right" for value in x],
            cliponaxis=False,
            hovertext=[
                f"{safe(found.numbers[p].key)}<br>mu* {a:.4g}, sigma {b:.4g}"
                for p, a, b in zip(order, x, y, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    chart.update_xaxes(title_text=_title(found, "mu*"), rangemode="tozero", showgrid=True)
    chart.update_yaxes(title_text="sigma", rangemode="tozero", showgrid=True)
    best = found.numbers[order[0]].key
    finding = f"{best} moves {_metric(found)} most; above the dotted line effects depend on others or bend"
    return Chart("plane", finding, (to_spec(chart),), 460)


def shares(found: Sensitivity) -> Chart:
    """ST and S1 of every number with their intervals, the largest ST first."""
    import plotly.graph_objects as go

    shown = found.ranked()[:N_BARS]
    chart = blank(barmode="group")
    looks = (("ST", "ST: with all it does together with others", _HIGH), ("S1", "S1: by itself", _LOW))
    for name, label, colour in looks:
        row = [_of(found, name)[place] for place in shown]
        chart.add_trace(
            go.Bar(
                name=label,
                orientation="h",
                y=list(range(len(shown))),
                x=[round(one.value or 0.0, 7) for one in row],
                error_x={
                    "type": "data",
                    "array": [round(_half(one), 7) for one in row],
                    "color": style.NEUTRAL,
                },
                marker={"color": colour},
                hovertext=[
                    f"{safe(found.numbers[place].key)}: {name} {one.value or 0.0:.3f} ± {_half(one):.3f}"
                    for place, one in zip(shown, row, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    chart.update_xaxes(title_text="share of the variance (bar: 95% interval)", zeroline=True, showgrid=True)
    chart.update_yaxes(autorange="reversed", **ticks([found.numbers[place].label for place in shown]))
    finding = f"{found.numbers[shown[0]].key} takes the largest share of the variance of {_metric(found)}"
    return Chart("shares", finding, (to_spec(chart),), 150 + 44 * len(shown))
