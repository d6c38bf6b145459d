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
_PLANE_PX = (300.0, 300.0)
"""Width and height of the plane of Morris on a narrow screen, about."""
_LETTER_PX = 7.0
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
    luck = "" if found.swings[shown[0]].is_clear or found.replications < 2 else ", which may be luck"
    finding = f"{_metric(found)} swings most with {best}{luck}"
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


def _luck(found: Sensitivity, place: int) -> str:
    assert found.screening is not None, "drawn only with a screening"
    return ", which may be luck" if found.screening.may_be_luck(place) else ""


def _placed(x: Sequence[float], y: Sequence[float], texts: Sequence[str]) -> list[tuple[str, str]]:
    """Where each label stands that meets neither another nor a dot; one without room is left to the hover text.

    Returns: (text, position) of each dot, the first in order served first.
    """
    wide, high = _PLANE_PX[0] / (max(x) or 1.0), _PLANE_PX[1] / (max(y) or 1.0)
    dots = [(at * wide, up * high) for at, up in zip(x, y, strict=True)]
    taken = [(at - 5, up - 5, at + 5, up + 5) for at, up in dots]
    found = []
    for (at, up), text in zip(dots, texts, strict=True):
        length, choice = _LETTER_PX * len(text), ("", "top right")
        for side in ("top right", "top left", "bottom right", "bottom left") if text else ():
            left = at + 6 if side.endswith("right") else at - 6 - length
            low = up + 6 if side.startswith("top") else up - 20
            box = (left, low, left + length, low + 14)
            is_free = all(
                box[0] >= one[2] or box[2] <= one[0] or box[1] >= one[3] or box[3] <= one[1] for one in taken
            )
            if is_free and left >= 0 and low >= 0 and left + length <= _PLANE_PX[0]:
                choice = (text, side)
                taken.append(box)
                break
        found.append(choice)
    return found


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
    texts = [short(found.numbers[p].label) if at > 0.08 * top else "" for p, at in zip(order, x, strict=True)]
    labels = _placed(x, y, texts)
    halves = [round(scale * _half(star[p]), 7) for p in order]
    chart.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="markers+text",
            error_x={
                "type": "data",
                "array": halves,
                "arrayminus": [min(half, at) for half, at in zip(halves, x, strict=True)],  # a size: never below 0
                "color": style.NEUTRAL,
            },
            marker={"size": 10, "color": _LOW},
            text=[text for text, _ in labels],
            textposition=[place for _, place in labels],
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
    luck = _luck(found, order[0])
    finding = f"{best} moves {_metric(found)} most{luck}; above the dotted line effects depend on others or bend"
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
    finding += _luck(found, shown[0])
    return Chart("shares", finding, (to_spec(chart),), 150 + 44 * len(shown))
