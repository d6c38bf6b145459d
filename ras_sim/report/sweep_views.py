"""What the report of a sweep says, free of any markup: terminal, Markdown and page say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ras_sim.experiment.sweep import better
from ras_sim.metrics.aggregate import COSTS
from ras_sim.report.compare_views import LABELS, NOTHING, label_in, level, spread
from ras_sim.report.style import label_of

if TYPE_CHECKING:
    from ras_sim.experiment.sweep import Finished, Sweep
    from ras_sim.metrics.estimates import Estimate

_N_NAMED = 6
_MIN_FOR_EDGE = 3


def metric_label(metric: str, currency: str | None = None) -> str:
    """Name of a metric, e.g. "Goodput", "Hours of lost work"; of a cost with its currency, "Cost, 1,000 USD"."""
    if metric in COSTS and currency is not None:
        return label_in(metric, currency)
    return LABELS[metric][0] if metric in LABELS else f"Hours of {label_of(metric.partition('.')[2])}"


def kind_of(metric: str) -> str:
    """How values of a metric are written: percent, span, count or number."""
    return LABELS[metric][1] if metric in LABELS else "span"


def subtitle(sweep: Sweep) -> list[str]:
    """Points, replications, seed: one short phrase each."""
    n = sweep.replications
    parts = [
        f"{len(sweep.points):,} point{'s' if len(sweep.points) != 1 else ''} on the same failures ({sweep.design})",
        f"{n:,} replication{'s' if n != 1 else ''} of each",
        f"seed {sweep.seed}",
    ]
    if sweep.metric in COSTS:
        parts.append(f"cost in {sweep.scenario.currency}")
    if sweep.n_reused:
        parts.append(f"{sweep.n_reused:,} point{'s' if sweep.n_reused != 1 else ''} from an earlier run")
    if sweep.interrupted:
        parts.append(f"stopped early: {len(sweep.finished):,} of {len(sweep.points):,} points finished")
    return parts


def name_of(sweep: Sweep, one: Finished) -> str:
    """A point by its values: "remote.interval=15 min, spares.nodes=4"."""
    pairs = zip(sweep.axes, one.point.values, strict=True)
    return ", ".join(f"{axis.label}={value}" for axis, value in pairs)


def verdict(sweep: Sweep) -> list[str]:
    """Which point is best, which others are as good as far as can be told, and whether to look further."""
    label = metric_label(sweep.metric, sweep.scenario.currency)
    if sweep.best is None:
        return [f"{label} is not defined at any point."]
    best = sweep.finished[sweep.best]
    if len(sweep.finished) > 1 and all(
        one.from_best is None or one.from_best.is_zero for one in sweep.finished
    ):
        return [f"{label} is the same at every point, in every replication: {_level(sweep, best)}."]
    found = best.metrics[sweep.metric]
    lines = [
        f"{finding(sweep)}: {_level(sweep, best)}"
        f"{f' (95%: {_interval(found, sweep.metric)})' if found.ci95 else ''}."
    ]
    others = [one for one in sweep.finished if one is not best]
    if others:
        lines.append(_rivals(sweep, others))
    return [*lines, *_edges(sweep, best)]


def finding(sweep: Sweep) -> str:
    """Where the metric is best, for a sweep that has a best point."""
    word = "highest" if better(sweep.metric) > 0 else "lowest"
    label = metric_label(sweep.metric, sweep.scenario.currency)
    return f"{label} is {word} at {name_of(sweep, sweep.finished[sweep.best or 0])}"


def _rivals(sweep: Sweep, others: Sequence[Finished]) -> str:
    """The points that the replications cannot tell from the best one."""
    if sweep.replications < 2:
        return "One replication cannot tell how far chance moves this: run more."
    near = [one for one in others if one.is_as_good]
    if not near:
        return "Every other point is clearly worse: the 95% interval of its difference does not hold 0."
    names = "; ".join(name_of(sweep, one) for one in near[:_N_NAMED])
    more = f"; and {len(near) - _N_NAMED} more" if len(near) > _N_NAMED else ""
    return f"Not to be told from it with these replications: {names}{more}."


def _edges(sweep: Sweep, best: Finished) -> list[str]:
    """Factors of which the best value is the lowest or the highest that was tried."""
    lines = []
    for axis, value in zip(sweep.axes, best.point.values, strict=True):
        levels = sorted({level for level in axis.levels if isinstance(level, float)})
        at = axis.levels[best.point.index]
        if axis.unit is not None and len(levels) >= _MIN_FOR_EDGE and at in (levels[0], levels[-1]):
            end = "lowest" if at == levels[0] else "highest"
            lines.append(f"{axis.label}={value} is the {end} value tried: the best one may lie beyond.")
    return lines if sweep.design != "lhs" else []


def heads(sweep: Sweep) -> list[str]:
    """Headings of `rows`."""
    return [
        *(axis.label for axis in sweep.axes),
        metric_label(sweep.metric, sweep.scenario.currency),
        "95% interval",
        "from the best",
        "95% interval of that",
    ]


def rows(sweep: Sweep, limit: int | None = None) -> list[list[str]]:
    """Every point: its values, the metric, its difference from the best point.

    Args:
        limit: only the best so many, the best first; None shows all in the order of the design.
    """
    chosen = list(sweep.finished) if limit is None else ranked(sweep)[:limit]
    found = []
    for one in chosen:
        is_best = sweep.best is not None and one is sweep.finished[sweep.best]
        off = ("best", NOTHING) if is_best else _off(sweep, one)
        interval = _interval(one.metrics[sweep.metric], sweep.metric)
        found.append([*one.point.values, _level(sweep, one), interval, *off])
    return found


def ranked(sweep: Sweep) -> list[Finished]:
    """The finished points, the best first; those without a value last."""
    sign = better(sweep.metric)
    means = {one.point.index: one.metrics[sweep.metric].mean for one in sweep.finished}

    def place(one: Finished) -> tuple[bool, float]:
        mean = means[one.point.index]
        return (mean is None, 0.0 if mean is None else -sign * mean)

    return sorted(sweep.finished, key=place)


def _off(sweep: Sweep, one: Finished) -> tuple[str, str]:
    return (NOTHING, NOTHING) if one.from_best is None else spread(one.from_best, kind_of(sweep.metric))


def _level(sweep: Sweep, one: Finished) -> str:
    return level(one.metrics[sweep.metric].mean, kind_of(sweep.metric))


def _interval(found: Estimate, metric: str) -> str:
    if found.ci95 is None:
        return NOTHING
    return " to ".join(level(end, kind_of(metric)) for end in found.ci95)
