"""A comparison as one JSON object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ras_sim.experiment.differences import BETTER
from ras_sim.ledger import AttemptRow, IncidentRow

if TYPE_CHECKING:
    from ras_sim.experiment.compare import Against, Comparison
    from ras_sim.experiment.matching import Fault, Parting
    from ras_sim.metrics.breakeven import BreakEven
    from ras_sim.metrics.paired import Difference

SCHEMA = 1
"""Version of the shape of the object."""

_TABLES = (
    "time_h",
    "lost_gpu_hours_by_category",
    "lost_gpu_hours_by_mode",
    "interruptions_by_mode",
    "rungs",
    "cost_by_item",
)


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Plain values: estimates of each design, and of its differences from the base (other - base)."""
    from ras_sim import __version__

    designs = [
        {
            "name": design.name,
            "scenario": design.scenario.name,
            "content_hash": design.scenario.content_hash,
            "changes": list(design.changes),
            "horizon_h": design.scenario.horizon_h,
            "currency": design.scenario.currency,
            "metrics": {name: one.to_json() for name, one in total.metrics.items()},
        }
        for design, total in zip(comparison.designs, comparison.aggregates, strict=True)
    ]
    return {
        "schema": SCHEMA,
        "version": __version__,
        "seed": comparison.seed,
        "replications": comparison.n_finished,
        "precision": None if comparison.aim is None else comparison.aim.to_json(),
        "base": comparison.designs[0].name,
        "designs": designs,
        "against": [_against(one) for one in comparison.against],
        "wall_s": comparison.wall_s,
    }


def _against(one: Against) -> dict[str, Any]:
    """One design against the base."""
    return {
        "design": one.design.name,
        "changes": [{"key": c.key, "base": c.base, "other": c.other} for c in one.changes],
        "shared_histories": {"same": list(one.shared.same), "different": one.shared.different},
        "metrics": {name: difference_json(d, metric_direction(name)) for name, d in one.metrics.items()},
        "goodput_adjusted": None if one.adjusted is None else difference_json(one.adjusted, BETTER["goodput"]),
        **{table: _table(getattr(one, table), table) for table in _TABLES},
        "break_even": [_break_even(price) for price in one.break_evens],
        "faults": _faults(one),
        "partings": [_parting(parting) for parting in one.partings],
    }


def _break_even(one: BreakEven) -> dict[str, Any]:
    """A price at which both designs cost the same, and in which the other one is cheaper below it."""
    return {**one._asdict(), "ci95": list(one.ci95)}


def _table(table: Mapping[str, Difference], name: str) -> dict[str, Any]:
    return {key: difference_json(one, direction(name, key)) for key, one in table.items()}


COUNTS = frozenset({"interruptions", "planned_interruptions", "spares_taken"})
"""Metrics that a design also lowers by running less: a job that stands still is not interrupted and takes no spares."""


def metric_direction(name: str) -> int:
    """1 if more of a compared metric is better, -1 if less is, 0 if that cannot be said of it by itself."""
    return 0 if name in COUNTS else BETTER[name]


def direction(table: str, key: str) -> int:
    """1 if more of a row is better, -1 if less is, 0 if neither (tries of a rung, interruptions)."""
    if table in ("rungs", "interruptions_by_mode"):
        return 0
    return 1 if key == "productive" else -1


def p_better(one: Difference, better: int) -> float | None:
    """Probability that the other design is truly better: Student's t of the paired difference; None if none differs."""
    if better == 0 or one.p_greater is None or one.is_zero:
        return None
    return one.p_greater if better > 0 else 1.0 - one.p_greater


def difference_json(one: Difference, better: int) -> dict[str, Any]:
    """`{"base", "other", "difference": {"mean", "ci95", "sd"}, "p_better", "variance_factor", "most_by_pairing"}`."""
    return {
        "base": one.base,
        "other": one.other,
        "difference": one.estimate.to_json(),
        "p_better": p_better(one, better),
        "variance_factor": one.variance_factor,
        "most_by_pairing": one.most_by_pairing,
    }


def _faults(one: Against) -> dict[str, float | None]:
    """Means over replications of the totals of the matching."""
    n = len(one.faults)
    names = (
        "n_matched",
        "n_same_hour",
        "n_only_base",
        "n_only_other",
        "n_alike",
        "alike_gpu_h",
        "unlike_gpu_h",
        "unmatched_gpu_h",
        "unblamed_gpu_h",
    )
    return {
        name: math.fsum(getattr(total, name) for total in one.faults) / n if n else None for name in names
    }


def _parting(one: Parting) -> dict[str, Any]:
    first = one.base.first
    return {
        "replication": one.replication,
        "class": first.component_class,
        "mode": first.mode,
        "instance": first.instance,
        "extra_gpu_h": one.extra_gpu_h,
        "handled_alike": one.is_alike,
        "base": _fault(one.base),
        "other": _fault(one.other),
    }


def _fault(fault: Fault) -> dict[str, Any]:
    """One fault in one design."""
    return {
        "lost_gpu_h": fault.lost_gpu_h,
        "lost_h": fault.lost_h,
        "incidents": [_row(row) for row in fault.incidents],
        "attempts": [_row(row) for row in fault.attempts],
    }


def _row(row: IncidentRow | AttemptRow) -> dict[str, Any]:
    """A row by column; a time that was never reached is null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in row._asdict().items()
    }
