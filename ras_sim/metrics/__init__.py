"""Numbers from ledgers: what one replication gave (`measure`) and what many say together (`aggregate`).

Nothing here knows how a run was made: every number can be computed again from saved rows.
"""

from __future__ import annotations

from ras_sim.metrics.aggregate import Aggregate, aggregate
from ras_sim.metrics.estimates import Estimate, estimate, estimate_ratio
from ras_sim.metrics.measures import (
    Measures,
    Ratio,
    ResourceUse,
    RungCount,
    check_conservation,
    measure,
)

__all__ = [
    "Aggregate",
    "Estimate",
    "Measures",
    "Ratio",
    "ResourceUse",
    "RungCount",
    "aggregate",
    "check_conservation",
    "estimate",
    "estimate_ratio",
    "measure",
]
