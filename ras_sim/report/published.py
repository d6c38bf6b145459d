"""Published figures beside simulated ones, each with a verdict that knows its own sampling error."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ras_sim.metrics.estimates import Estimate, t_quantile
from ras_sim.report.views import HEADLINE_LABELS, interval, shown

if TYPE_CHECKING:
    from ras_sim.experiment.result import Result
    from ras_sim.metrics import Aggregate
    from ras_sim.scenario.model import Published

UNDECIDED = "needs 2 or more replications"
"""The verdict on a point that a single run neither meets nor misses."""

_FRACTIONS = frozenset({"goodput", "clean_goodput", "ettr", "cluster_goodput", "gpu_availability"})
_COUNTS = (
    "interruptions_by_class",
    "interruptions_by_mode",
    "faults_by_mode",
    "lost_gpu_hours_by_class",
    "lost_gpu_hours_by_mode",
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A published figure and what the simulation says of it, as text.

    Args:
        label: the metric.
        published: the figure, "at least ..." where it is a bound.
        simulated, interval: mean over replications and its 95% interval ("" for one replication).
        one_run: range that holds a single run in 95 of 100 cases: what a published run is compared with.
        verdict: within, outside, or why there is none.
        source: where the figure was published.
    """

    label: str
    published: str
    simulated: str
    interval: str
    one_run: str
    verdict: str
    source: str


def comparisons(result: Result) -> list[Comparison]:
    """One row for each published figure of the scenario, in its order."""
    return [_compare(key, figure, result.aggregate) for key, figure in result.scenario.published.items()]


def _compare(key: str, figure: Published, aggregate: Aggregate) -> Comparison:
    """Put one figure beside its estimate."""
    estimate, kind, label = lookup(aggregate, key), kind_of(key), metric_label(key)
    published = _claim(figure, kind)
    if estimate is None or estimate.mean is None:
        return Comparison(label, published, "-", "", "", "not simulated", figure.source)
    one_run = prediction(estimate)
    return Comparison(
        label=label,
        published=published,
        simulated=shown(estimate.mean, kind),
        interval=interval(estimate, kind),
        one_run="" if one_run is None else f"{shown(one_run[0], kind)} to {shown(one_run[1], kind)}",
        verdict=_verdict(figure, estimate.mean, one_run),
        source=figure.source,
    )


_TABLE_LABELS = {
    "interruptions_by_class": "interruptions",
    "interruptions_by_mode": "interruptions",
    "faults_by_mode": "faults",
    "lost_gpu_hours_by_class": "lost GPU-hours",
    "lost_gpu_hours_by_mode": "lost GPU-hours",
    "time_h": "time",
    "mttr_h": "time to repair",
    "rungs": "ladder",
    "resources": "resource",
}


def metric_label(key: str) -> str:
    """What a person calls a metric.

    >>> metric_label("mtti_h"), metric_label("interruptions_by_mode.hbm.due")
    ('MTTI', 'interruptions: hbm.due')
    """
    table, _, name = key.partition(".")
    if name:
        return f"{_TABLE_LABELS.get(table, table)}: {name}"
    return HEADLINE_LABELS.get(key, key)


def lookup(aggregate: Aggregate, key: str) -> Estimate | None:
    """The estimate that a key names: `goodput`, `time_h.restore`, `interruptions_by_mode.hbm.due`,
    `rungs.rma.attempts`; None if there is no such metric. A count that never occurred is 0."""
    if key in aggregate.metrics:
        return aggregate.metrics[key]
    table, _, name = key.partition(".")
    if table in ("rungs", "resources"):
        name, _, part = name.rpartition(".")
        groups: Mapping[str, Mapping[str, Estimate]] = getattr(aggregate, table)
        return groups.get(name, {}).get(part)
    if table in _COUNTS:
        return getattr(aggregate, table).get(name, _never(aggregate.n))  # type: ignore[no-any-return]
    if table in ("time_h", "mttr_h"):
        return getattr(aggregate, table).get(name)  # type: ignore[no-any-return]
    return None


def _never(n: int) -> Estimate:
    """The estimate of a count that was 0 in each of n replications."""
    return Estimate(0.0, (0.0, 0.0), 0.0, n) if n >= 2 else Estimate(0.0, None, None, n)


def prediction(estimate: Estimate) -> tuple[float, float] | None:
    """The 95% range of one more run: mean +- t(n-1) sd sqrt(1 + 1/n); None for fewer than two replications.

    A published figure is one run of a real cluster. It has to be compared with the spread of single runs: the
    interval of the mean shrinks with every further replication and would at last exclude any single run.

    >>> low, high = prediction(Estimate(10.0, (9.0, 11.0), 2.0, 16))
    >>> round(low, 2), round(high, 2)
    (5.61, 14.39)
    """
    if estimate.mean is None or estimate.sd is None or estimate.n < 2:
        return None
    half = t_quantile(estimate.n - 1) * estimate.sd * math.sqrt(1 + 1 / estimate.n)
    return max(0.0, estimate.mean - half), estimate.mean + half  # no metric can be negative


def _verdict(figure: Published, mean: float, one_run: tuple[float, float] | None) -> str:
    """within if the published range and the range of one run have something in common."""
    low, high = bounds(figure)
    if one_run is None:
        if low == high:
            return UNDECIDED
        one_run = (mean, mean)
    return "within" if one_run[0] <= high and low <= one_run[1] else "outside"


def bounds(figure: Published) -> tuple[float, float]:
    """The published figure as a range: a point for a value, open where only one bound is stated."""
    if figure.value is not None:
        return figure.value, figure.value
    low = -math.inf if figure.at_least is None else figure.at_least
    return low, math.inf if figure.at_most is None else figure.at_most


def _claim(figure: Published, kind: str) -> str:
    """The published figure as text."""
    if figure.value is None and figure.at_least is not None and figure.at_most is not None:
        return f"{_stated(figure.at_least, kind)} to {_stated(figure.at_most, kind)}"
    claims = (("", figure.value), ("at least ", figure.at_least), ("at most ", figure.at_most))
    return ", ".join(words + _stated(value, kind) for words, value in claims if value is not None) or "-"


def _stated(value: float, kind: str) -> str:
    """A published value, without decimals that nobody published."""
    return f"{100 * value:.4g}%" if kind == "percent" else shown(value, kind)


def kind_of(key: str) -> str:
    """How values of a metric are written: percent, span (hours) or number."""
    if key in _FRACTIONS:
        return "percent"
    return "span" if key.partition(".")[0].endswith("_h") else "number"
