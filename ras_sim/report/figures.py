"""The charts of a report: each function returns a `Chart`, its finding in words and a plotly figure as JSON.

plotly is imported inside functions: it is slow to load, and only a page needs it. All numbers are binned or
thinned before they come here. Names from a scenario pass through `safe`: plotly reads markup in labels.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ras_sim.ledger import CATEGORIES
from ras_sim.report import style
from ras_sim.report.style import label_of, number, percent
from ras_sim.report.timeline import safe

if TYPE_CHECKING:
    from plotly.graph_objects import Bar as BarTrace
    from plotly.graph_objects import Figure

N_CAUSES = 12
N_BINS = 40
_LABEL_LENGTH = 26


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart ready for the page.

    Args:
        key: identity in the page, also its anchor.
        finding: what it shows, in one sentence: heading of the chart and its accessible name.
        specs: plotly figures as JSON; more than one where a selector chooses among them.
        height_px: height of the chart.
    """

    key: str
    finding: str
    specs: tuple[str, ...]
    height_px: int


_TITLE_LENGTH = 44
"""Letters of a line of an axis title: about the width of a plot on a narrow screen."""


def blank(**layout: Any) -> Figure:
    """An empty figure in the house's look; colours of text and grid are set by the page (light or dark)."""
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template="none",
        margin={"l": 8, "r": 26, "t": 8, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={
            "family": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif",
            "size": 13,
        },
        bargap=0.28,
        hovermode="closest",
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
    )
    small = {"font": {"size": 13}, "standoff": 10}
    figure.update_xaxes(automargin=True, zeroline=False, fixedrange=True, title=small)
    figure.update_yaxes(automargin=True, zeroline=False, fixedrange=True, title=small, showgrid=False)
    figure.update_layout(**layout)
    return figure


def to_spec(figure: Figure) -> str:
    """The figure as compact JSON; the title of an axis along the bottom wraps, to stand whole on a narrow screen."""
    spec = json.loads(figure.to_json())
    for name, axis in spec["layout"].items():
        title = axis.get("title", {}).get("text") if name.startswith("xaxis") else None
        if title and "<br>" not in title:
            axis["title"]["text"] = "<br>".join(wrap(title, _TITLE_LENGTH, break_long_words=False))
    return json.dumps(spec, separators=(",", ":"))


def short(text: str) -> str:
    """A label for an axis: long names are cut in the middle, where they differ least."""
    if len(text) > _LABEL_LENGTH:
        half = (_LABEL_LENGTH - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return safe(text)


def ticks(names: Sequence[str]) -> dict[str, Any]:
    """Axis settings that show names at 0, 1, 2 ...: two names with one short form stay apart."""
    return {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [short(n) for n in names]}


def _row_height(n: int) -> int:
    """Height of a horizontal bar chart of n rows."""
    return 110 + 30 * max(n, 1)


def waterfall(shares: Mapping[str, float]) -> Chart:
    """From the ideal (all of the time) down to goodput, category by category, the largest loss first.

    Args:
        shares: share of the job's time by category, summing to 1.
    """
    losses = sorted(
        ((n, s) for n, s in shares.items() if n != "productive" and s > 0), key=lambda item: -item[1]
    )
    goodput = shares.get("productive", 0.0)
    rows = [("all of the time", 0.0, 1.0, style.NEUTRAL)]
    top = 1.0
    for name, share in losses:
        top -= share
        rows.append((label_of(name), top, share, style.CATEGORY_COLOURS.get(name, style.NEUTRAL)))
    end = "clean goodput" if shares.get("tainted", 0.0) > 0 else "goodput"
    rows.append((end, 0.0, goodput, style.CATEGORY_COLOURS["productive"]))
    low = max(0.0, goodput - 0.35 * (1 - goodput))
    figure = blank(showlegend=False)
    figure.add_trace(_waterfall_bars(rows, low))
    title = "share of the job's time, %" + (f" (axis begins at {percent(low, 1)})" if low > 0 else "")
    figure.update_xaxes(
        range=[100 * low, 100 + 22 * (1 - low)],
        title_text=title,
        ticksuffix="%",
        tickvals=_upto_100(100 * low),
    )
    figure.update_yaxes(autorange="reversed", **ticks([row[0] for row in rows]))
    return Chart("waterfall", _waterfall_finding(losses), (to_spec(figure),), _row_height(len(rows)))


def _upto_100(low: float) -> list[float]:
    """Round percents from `low` to 100: the axis goes on for the labels, but there is no share above all.

    >>> _upto_100(86.0), _upto_100(0.0)
    ([86.0, 88.0, 90.0, 92.0, 94.0, 96.0, 98.0, 100.0], [0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    """
    least = max(100.0 - low, 1e-9) / 8
    scale = 10.0 ** math.floor(math.log10(least))
    step = next(factor * scale for factor in (1, 2, 5, 10) if factor * scale >= least)
    n = int((100.0 - low) / step + 1e-9)
    return [round(100.0 - k * step, 9) for k in range(n, -1, -1)]


def _waterfall_bars(rows: Sequence[tuple[str, float, float, str]], low: float) -> BarTrace:
    """One bar for each row (label, begin, length, colour), begins cut off at the edge of the axis."""
    import plotly.graph_objects as go

    return go.Bar(
        orientation="h",
        y=list(range(len(rows))),
        base=[round(100 * max(begin, low), 6) for _, begin, _, _ in rows],
        x=[round(100 * (length - max(low - begin, 0)), 6) for _, begin, length, _ in rows],
        marker={"color": [colour for *_, colour in rows]},
        text=["100%" if length == 1 else percent(length) for _, _, length, _ in rows],
        textposition="outside",
        cliponaxis=False,
        hovertext=[f"{label}: {percent(length, 3)}" for label, _, length, _ in rows],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _waterfall_finding(losses: Sequence[tuple[str, float]]) -> str:
    """Total loss and its largest part."""
    if not losses:
        return "No time was lost"
    total = sum(share for _, share in losses)
    name, share = losses[0]
    return (
        f"{percent(total)} of the job's time is lost; the largest part is {label_of(name)} ({percent(share)})"
    )


def losses(table: Mapping[str, Mapping[str, float]]) -> Chart:
    """Lost GPU-hours by cause, stacked by category; the worst causes on their own, the rest together.

    Args:
        table: cause -> category -> lost GPU-hours per replication, worst cause first, not empty.
    """
    rows = dict(list(table.items())[:N_CAUSES])
    rest = list(table.values())[N_CAUSES:]
    if rest:
        rows[f"{len(rest)} other causes"] = {c: sum(row.get(c, 0.0) for row in rest) for c in CATEGORIES}
    names = list(rows)
    figure = blank(barmode="relative")
    for category in CATEGORIES:
        values = [rows[name].get(category, 0.0) for name in names]
        if any(values):
            figure.add_trace(_loss_bars(category, names, values))
    figure.update_xaxes(title_text="lost GPU-hours per replication", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", **ticks(names))
    return Chart("losses", _loss_finding(table), (to_spec(figure),), _row_height(len(names)) + 70)


def _loss_bars(category: str, names: Sequence[str], values: Sequence[float]) -> BarTrace:
    """The part of each cause's loss that is of one category."""
    import plotly.graph_objects as go

    label = label_of(category)
    return go.Bar(
        name=label,
        orientation="h",
        y=list(range(len(names))),
        x=[round(value, 3) for value in values],
        marker={"color": style.CATEGORY_COLOURS[category]},
        hovertext=[f"{safe(n)}<br>{label}: {number(v)} GPU-h" for n, v in zip(names, values, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _loss_finding(table: Mapping[str, Mapping[str, float]]) -> str:
    """The worst cause and its part of the loss."""
    total = sum(sum(row.values()) for row in table.values())
    name, row = next(iter(table.items()))
    worst = sum(row.values())
    share = worst / total if total > 0 else 0.0
    return f"{name} costs most: {number(worst)} GPU-hours per replication, {percent(share, 0)} of the loss"


def outcomes(table: Mapping[str, Mapping[str, float]]) -> Chart:
    """Attempts of each rung, stacked by how they ended.

    Args:
        table: rung -> outcome -> attempts per replication, not empty.
    """
    import plotly.graph_objects as go

    names = list(table)
    figure = blank(barmode="stack")
    for outcome, colour in style.OUTCOME_COLOURS.items():
        values = [table[name].get(outcome, 0.0) for name in names]
        if not any(values):
            continue
        label = style.OUTCOME_LABELS[outcome]
        hover = [
            f"{safe(label_of(n))}<br>{label}: {number(v)} ({percent(v / sum(table[n].values()), 1)})"
            for n, v in zip(names, values, strict=True)
        ]
        figure.add_trace(
            go.Bar(
                name=label,
                orientation="h",
                y=list(range(len(names))),
                x=values,
                marker={"color": colour},
                hovertext=hover,
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    figure.update_xaxes(title_text="attempts per replication", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", **ticks([label_of(name) for name in names]))
    return Chart("rungs", _outcome_finding(table), (to_spec(figure),), _row_height(len(names)) + 60)


def _outcome_finding(table: Mapping[str, Mapping[str, float]]) -> str:
    """How much of all repair the busiest rung does."""
    fixed = {name: row.get("fixed", 0.0) for name, row in table.items()}
    total = sum(fixed.values())
    if total <= 0:
        return "No attempt at a repair fixed its fault"
    best = max(fixed, key=fixed.__getitem__)
    tries = sum(table[best].values())
    return (
        f"{label_of(best)} makes {percent(fixed[best] / total, 0)} of all fixes; "
        f"{percent(fixed[best] / tries, 0)} of its attempts work"
    )


def blast(table: Mapping[str, Mapping[int, float]]) -> Chart:
    """How many GPUs an incident hits, in bins that double, stacked by what it did to the job.

    Args:
        table: job effect -> number of GPUs hit -> incidents per replication, not empty.
    """
    edges = _doubling({n for sizes in table.values() for n in sizes})
    figure = blank(barmode="stack")
    for effect in style.EFFECT_COLOURS:
        if effect in table:
            figure.add_trace(_blast_bars(effect, edges, table[effect]))
    figure.update_xaxes(
        title_text="GPUs hit: from the number under a bar up to the next one",
        tickmode="array",
        tickvals=list(range(len(edges))),
        ticktext=[f"{edge:,}" for edge in edges],
    )
    figure.update_yaxes(title_text="incidents per replication", rangemode="tozero", showgrid=True)
    return Chart("blast", _blast_finding(table), (to_spec(figure),), 400)


def _blast_bars(effect: str, edges: Sequence[int], sizes: Mapping[int, float]) -> BarTrace:
    """Incidents of one effect on the job in each bin."""
    import plotly.graph_objects as go

    bins = dict.fromkeys(edges, 0.0)
    for n, incidents in sizes.items():
        bins[power_bin(n)] += incidents
    label = style.EFFECT_LABELS[effect]
    return go.Bar(
        name=label,
        x=list(range(len(edges))),
        y=[round(value, 4) for value in bins.values()],
        marker={"color": style.EFFECT_COLOURS[effect]},
        hovertext=[f"{_bin_label(edge)} GPUs, {label}: {number(value)}" for edge, value in bins.items()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def power_bin(n: int) -> int:
    """Lower edge of the bin that holds n: the largest power of two that is not above it, 0 for 0.

    >>> [power_bin(n) for n in (0, 1, 3, 8, 1023)]
    [0, 1, 2, 8, 512]
    """
    return 1 << (n.bit_length() - 1) if n > 0 else 0


def _doubling(sizes: set[int]) -> list[int]:
    """Lower edges 1, 2, 4 ... of bins up to the largest size, with 0 before them if it occurs."""
    return ([0] if 0 in sizes else []) + [1 << k for k in range(max(sizes).bit_length())]


def _bin_label(edge: int) -> str:
    """Text of the bin that begins at `edge`: 4 -> "4 to 7"."""
    return str(edge) if edge <= 1 else f"{edge:,} to {2 * edge - 1:,}"


def _blast_finding(table: Mapping[str, Mapping[int, float]]) -> str:
    """What half of the incidents stay within, and the widest."""
    counts: dict[int, float] = defaultdict(float)
    for sizes in table.values():
        for n, incidents in sizes.items():
            counts[n] += incidents
    median, running = 0, 0.0
    for median in sorted(counts):
        running += counts[median]
        if 2 * running >= sum(counts.values()):
            break
    size = "no GPU" if median == 0 else f"at most {median:,} GPU{'s' if median > 1 else ''}"
    return f"Half of the unplanned incidents hit {size}; the widest hit {max(counts):,}"


def distribution(values: Sequence[float], mean: float, ci95: tuple[float, float] | None) -> Chart:
    """Goodput over the replications as a histogram with its mean and the 95% interval of the mean.

    Args:
        values: goodput of each replication, 0..1, at least two.
        mean, ci95: the estimate.
    """
    import numpy as np
    import plotly.graph_objects as go

    array = 100 * np.asarray(values, dtype=np.float64)
    counts, edges = np.histogram(array, bins=min(N_BINS, max(5, round(2 * len(values) ** 0.5))))
    figure = blank(bargap=0.03, showlegend=False)
    figure.add_trace(
        go.Bar(
            x=[round(float(x), 6) for x in (edges[:-1] + edges[1:]) / 2],
            y=[int(n) for n in counts],
            marker={"color": style.CATEGORY_COLOURS["productive"]},
            hovertext=[f"{a:.3f}% to {b:.3f}%" for a, b in itertools.pairwise(edges)],
            hovertemplate="%{hovertext}: %{y} replications<extra></extra>",
        )
    )
    figure.add_vline(x=100 * mean, line={"color": style.CATEGORY_COLOURS["lost_work"], "width": 2})
    if ci95 is not None:
        shade = style.CATEGORY_COLOURS["lost_work"]
        figure.add_vrect(x0=100 * ci95[0], x1=100 * ci95[1], fillcolor=shade, opacity=0.22, line_width=0)
    figure.update_xaxes(title_text="goodput, % (line: mean; band: its 95% interval)", ticksuffix="%")
    step = max(1, round(int(counts.max()) / 6))
    figure.update_yaxes(title_text="replications", rangemode="tozero", showgrid=True, dtick=step)
    few = len(values) < 20  # too few to leave out one in ten
    low, high = (float(x) for x in np.quantile(array, [0.0, 1.0] if few else [0.05, 0.95]))
    who = f"All {len(values)}" if few else "Nine of ten"
    finding = f"{who} replications have a goodput between {low:.2f}% and {high:.2f}%"
    return Chart("distribution", finding, (to_spec(figure),), 320)
