"""The numbers in which two designs are compared, each as a paired difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from ras_sim.ledger import CATEGORIES, Ledger
from ras_sim.metrics import Measures
from ras_sim.metrics.aggregate import COSTS, SCALARS
from ras_sim.metrics.breakeven import break_evens
from ras_sim.metrics.cost import technician_h
from ras_sim.metrics.paired import Difference, paired_each
from ras_sim.metrics.precision import Aim, paired_to
from ras_sim.metrics.samples import paired_difference, sample

T = TypeVar("T")

BETTER: Mapping[str, int] = {
    "goodput": 1,
    "clean_goodput": 1,
    "ettr": 1,
    "cluster_goodput": 1,
    "gpu_availability": 1,
    "mtti_h": 1,
    "cost_per_effective_gpu_hour": -1,
    "cost": -1,
    "interruptions": -1,
    "planned_interruptions": -1,
    "lost_gpu_hours": -1,
    "spares_taken": -1,
    "technician_h": -1,
    "horizon_h": -1,
}
"""Metrics that are compared, in the order in which they are shown: 1 if more is better, -1 if less is."""

AIMED = (
    "goodput",
    "ettr",
    "cluster_goodput",
    "gpu_availability",
    "mtti_h",
    "interruptions",
    "planned_interruptions",
)
"""Those whose difference a precision can be asked for."""


class Usage(NamedTuple):
    """What a replication took from the stores.

    Args:
        spares_taken: nodes that left the pool of spares, whether to serve the job or because they broke there.
        technician_h: hours of technicians at work, travel included, summed over technicians, limited or not.
    """

    spares_taken: int
    technician_h: float


def usage_of(ledger: Ledger) -> Usage:
    """Spares and technicians that a replication used."""
    taken = -sum([row.change for row in ledger.resources if row.change < 0 and row.resource == "spare_nodes"])
    return Usage(taken, technician_h(ledger))


class Pair(NamedTuple):
    """Two designs in the same replications.

    Args:
        aim: what decided how many there are, None if that was said beforehand.
        same_currency: both have prices, in one currency.
    """

    base: Sequence[Measures]
    other: Sequence[Measures]
    base_usage: Sequence[Usage]
    other_usage: Sequence[Usage]
    aim: Aim | None = None
    same_currency: bool = False


def differences(pair: Pair) -> dict[str, Any]:
    """The tables of differences of `Against`, by field."""
    tables = {
        "metrics": _plain(pair),
        "time_h": _table(pair, lambda one: one.time_h, CATEGORIES),
        "lost_gpu_hours_by_category": _table(pair, _lost_by_category),
        "lost_gpu_hours_by_mode": _table(pair, lambda one: one.lost_gpu_hours_by_mode),
        "interruptions_by_mode": _table(pair, lambda one: one.interruptions_by_mode),
        "rungs": _table(pair, lambda one: {name: count.attempts for name, count in one.rungs.items()}),
        "cost_by_item": _table(pair, lambda one: one.cost_by_item, _items(pair)),
    }
    ours, theirs = zip(*(row for table in tables.values() for row in table.values()), strict=True)
    each = iter(paired_each(ours, theirs))  # all tables at once
    found: dict[str, Any] = {field: {key: next(each) for key in table} for field, table in tables.items()}
    found["metrics"] = _metrics(pair, found["metrics"])
    return found | {"break_evens": break_evens(pair.base, pair.other) if pair.same_currency else []}


_Rows = dict[str, tuple[list[float], list[float]]]
"""Numbers of the base and of the other design, one for each replication, by key."""


def _items(pair: Pair) -> list[str]:
    """Items of the bills, in their order; none if the bills cannot be compared."""
    if not pair.same_currency:
        return []
    return list(dict.fromkeys(item for one in (*pair.base, *pair.other) for item in one.charges))


def _plain(pair: Pair) -> _Rows:
    """The metrics of `BETTER` that are means; the length of the run only where it is an outcome."""
    rows = {name: _of_both(pair.base, pair.other, attrgetter(name)) for name in SCALARS}
    rows["lost_gpu_hours"] = _of_both(pair.base, pair.other, _lost_gpu_h)
    rows |= {name: _of_both(pair.base_usage, pair.other_usage, attrgetter(name)) for name in Usage._fields}
    if any(one.completed for one in (*pair.base, *pair.other)):
        rows["horizon_h"] = _of_both(pair.base, pair.other, attrgetter("horizon_h"))
    return rows


def _of_both(base: Sequence[T], other: Sequence[T], get: Callable[[T], float]) -> tuple[list[float], list[float]]:
    return [get(one) for one in base], [get(one) for one in other]


def _metrics(pair: Pair, means: Mapping[str, Difference]) -> dict[str, Difference]:
    """The metrics of `BETTER`, in an order to be read; the cost only where it has prices."""
    a, b = pair.base, pair.other
    ratios = ("mtti_h", *(COSTS if pair.same_currency else ()))
    found = dict(means)
    found |= {name: paired_difference(sample(a, name), sample(b, name)) for name in ratios}
    if pair.aim is not None:
        metric = pair.aim.wish.metric
        found[metric] = paired_to(sample(a, metric), sample(b, metric), pair.aim.n_first)
    return {name: found[name] for name in BETTER if name in found}


def _lost_gpu_h(one: Measures) -> float:
    """All GPU-hours of the job that were not productive."""
    return math.fsum(one.lost_gpu_hours_by_mode.values())


def _lost_by_category(one: Measures) -> dict[str, float]:
    return {name: hours * one.n_job_gpus for name, hours in one.time_h.items() if name != "productive"}


def _table(
    pair: Pair, get: Callable[[Measures], Mapping[str, float]], names: Iterable[str] | None = None
) -> _Rows:
    """The rows of a nested metric, sorted unless named; a key that a replication lacks is 0 there."""
    ours, theirs = [get(one) for one in pair.base], [get(one) for one in pair.other]
    keys = sorted({key for one in (*ours, *theirs) for key in one}) if names is None else names
    return {key: ([one.get(key, 0.0) for one in ours], [one.get(key, 0.0) for one in theirs]) for key in keys}
