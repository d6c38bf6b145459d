"""What many replications say together: an `Estimate` for every metric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ras_sim.ledger import CATEGORIES
from ras_sim.metrics.estimates import Estimate, estimate, estimate_ratio, estimates
from ras_sim.metrics.measures import Measures, ResourceUse
from ras_sim.metrics.quantiles import LEVELS, Quantile, quantile

SCALARS = (
    "goodput",
    "clean_goodput",
    "ettr",
    "cluster_goodput",
    "gpu_availability",
    "interruptions",
    "planned_interruptions",
)
"""Fields of `Measures` that are averaged as they are; `mtti_h` and the MTTRs are ratios of totals."""

RATIOS = {
    "mtti_h": ("running_h", "interruptions"),
    "cost_per_effective_gpu_hour": ("cost", "effective_gpu_h"),
}
"""Metrics that are ratios of totals over replications: the fields of numerator and denominator."""

COSTS = ("cost_per_effective_gpu_hour", "cost")
"""Metrics that only replications with prices have, in amounts of their currency."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Estimates of every metric over replications.

    Args:
        n: number of replications.
        metrics: goodput, clean_goodput, ettr, cluster_goodput, gpu_availability, interruptions,
            planned_interruptions and mtti_h; with prices also cost and cost_per_effective_gpu_hour.
        time_h: hours of the job in each category.
        interruptions_by_class, interruptions_by_mode, faults_by_mode: counts; one that never occurred in a
            replication is 0 there.
        lost_gpu_hours_by_class, lost_gpu_hours_by_mode: GPU-hours by root cause, likewise.
        rungs: rung -> {"attempts": ..., "fixed": ...}.
        mttr_h: stage -> hours, pooled over all repairs.
        resources: resource -> {"mean": ..., "low": ..., "high": ..., "zero_frac": ...}.
        units_taken: replaceable units that repairs took, by class.
        charges: item of the bill -> {"quantity": ..., "price": ..., "amount": ...}; empty without prices.
        goodput_quantiles: p5, p50 and p95 of single replications; None where there are too few of them.
    """

    n: int
    metrics: dict[str, Estimate]
    time_h: dict[str, Estimate]
    interruptions_by_class: dict[str, Estimate]
    interruptions_by_mode: dict[str, Estimate]
    faults_by_mode: dict[str, Estimate]
    lost_gpu_hours_by_class: dict[str, Estimate]
    lost_gpu_hours_by_mode: dict[str, Estimate]
    rungs: dict[str, dict[str, Estimate]]
    mttr_h: dict[str, Estimate]
    resources: dict[str, dict[str, Estimate]]
    units_taken: dict[str, Estimate]
    charges: dict[str, dict[str, Estimate]]
    goodput_quantiles: dict[str, Quantile | None]


def aggregate(measures: Sequence[Measures]) -> Aggregate:
    """Average the measures of independent replications.

    Args:
        measures: one per replication, in any number; the order changes no result beyond rounding.
    """
    metrics = _each(measures, SCALARS)
    metrics["mtti_h"] = _ratio(measures, "mtti_h")
    if any(one.charges for one in measures):
        metrics["cost_per_effective_gpu_hour"] = _ratio(measures, "cost_per_effective_gpu_hour")
        metrics["cost"] = estimate([one.cost or 0.0 for one in measures])
    return Aggregate(
        n=len(measures),
        metrics=metrics,
        time_h=_table([one.time_h for one in measures], CATEGORIES),
        interruptions_by_class=_over(measures, lambda one: one.interruptions_by_class),
        interruptions_by_mode=_over(measures, lambda one: one.interruptions_by_mode),
        faults_by_mode=_over(measures, lambda one: one.faults_by_mode),
        lost_gpu_hours_by_class=_over(measures, lambda one: one.lost_gpu_hours_by_class),
        lost_gpu_hours_by_mode=_over(measures, lambda one: one.lost_gpu_hours_by_mode),
        rungs=_rungs(measures),
        mttr_h=_mttr(measures),
        resources=_resources(measures),
        units_taken=_over(measures, lambda one: one.units_taken),
        charges=_charges(measures),
        goodput_quantiles={
            name: quantile([one.goodput for one in measures], level) for name, level in LEVELS.items()
        },
    )


def _ratio(measures: Sequence[Measures], metric: str) -> Estimate:
    """One of `RATIOS`."""
    numerators, denominators = ([float(getattr(one, name)) for one in measures] for name in RATIOS[metric])
    return estimate_ratio(numerators, denominators)


def _over(
    measures: Sequence[Measures], get: Callable[[Measures], Mapping[str, float]]
) -> dict[str, Estimate]:
    """An estimate for each key that occurs anywhere, sorted; a key that a replication lacks is 0 there."""
    tables = [get(one) for one in measures]
    return _table(tables, sorted(_keys(tables)))


def _table(tables: Sequence[Mapping[str, float]], keys: Sequence[str]) -> dict[str, Estimate]:
    """An estimate for each key; a key that a replication lacks is 0 there."""
    return dict(zip(keys, estimates([[table.get(key, 0) for table in tables] for key in keys]), strict=True))


def _each(records: Sequence[object], names: Sequence[str]) -> dict[str, Estimate]:
    """An estimate for each field of some records, one for each replication."""
    return dict(zip(names, estimates([[getattr(one, name) for one in records] for name in names]), strict=True))


def _keys(tables: Sequence[Mapping[str, object]]) -> list[str]:
    """Every key of any of the tables once, in order of first occurrence."""
    return list(dict.fromkeys(chain.from_iterable(tables)))


def _rungs(measures: Sequence[Measures]) -> dict[str, dict[str, Estimate]]:
    """Attempts and fixes of each rung, in order of first use."""
    attempts = _over(measures, lambda one: {rung: count.attempts for rung, count in one.rungs.items()})
    fixed = _over(measures, lambda one: {rung: count.fixed for rung, count in one.rungs.items()})
    order = _keys([one.rungs for one in measures])
    return {rung: {"attempts": attempts[rung], "fixed": fixed[rung]} for rung in order}


def _mttr(measures: Sequence[Measures]) -> dict[str, Estimate]:
    """Mean hours of each stage of repair, over all repairs of all replications."""
    stages: dict[str, Estimate] = {}
    for stage in _keys([one.mttr_h for one in measures]):
        ratios = [one.mttr_h[stage] for one in measures]
        stages[stage] = estimate_ratio([r.total for r in ratios], [r.count for r in ratios])
    return stages


def _resources(measures: Sequence[Measures]) -> dict[str, dict[str, Estimate]]:
    """Use of each resource; one that a replication lacks was at level 0 there."""
    uses: dict[str, dict[str, Estimate]] = {}
    for name in _keys([one.resources for one in measures]):
        each = [one.resources.get(name, ResourceUse()) for one in measures]
        uses[name] = _each(each, ("mean", "low", "high", "zero_frac"))
    return uses


def _charges(measures: Sequence[Measures]) -> dict[str, dict[str, Estimate]]:
    """Quantity, price and amount of each item of the bill, in its order."""
    bill: dict[str, dict[str, Estimate]] = {}
    for item in _keys([one.charges for one in measures]):
        each = [one.charges[item] for one in measures if item in one.charges]
        bill[item] = _each(each, ("quantity", "price", "amount"))
    return bill


def with_estimate(total: Aggregate, metric: str, found: Estimate) -> Aggregate:
    """The same aggregate with another estimate of one metric.

    Args:
        metric: its name in the JSON result; one that never occurred has no estimate to replace.
    """
    if metric in total.metrics:
        return replace(total, metrics=total.metrics | {metric: found})
    table, _, key = metric.partition(".")
    estimates = getattr(total, table)
    if table == "rungs":
        rung, _, count = key.rpartition(".")
        if rung not in estimates:
            return total
        return replace(total, rungs=estimates | {rung: estimates[rung] | {count: found}})
    return replace(total, **{table: estimates | {key: found}}) if key in estimates else total
