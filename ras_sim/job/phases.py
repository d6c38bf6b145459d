"""How quickly a job gets on that needs a service: the control plane to start, the storage to save and to restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ras_sim.ledger import NO_INCIDENT

PHASES = ("initialise", "restore", "saving")
"""States of a job that need a service: processes start, a checkpoint is read, the work is saved before a stop."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What an outage of a service leaves of it.

    Args:
        tiers: names of the checkpoint tiers that use it.
        left: state of the job that needs it -> share of its speed that is left, 0 (nothing moves) to 1.
    """

    tiers: frozenset[str]
    left: Mapping[str, float]

    def pace(self, state: str, tier: str) -> float:
        """Share of the usual speed in a state; `tier` is the one that is read or written, "" for none."""
        return self.left.get(state, 1.0) if state == "initialise" or tier in self.tiers else 1.0

    @property
    def saves_fail(self) -> bool:
        """Whether nothing can be written."""
        return self.left.get("saving") == 0.0


@dataclass(slots=True)
class Phases:
    """The outages that go on.

    Args:
        limits: outage (an incident id) -> what it leaves.
    """

    limits: dict[int, Limit] = field(default_factory=dict)

    def pace(self, state: str, tier: str) -> tuple[float, int]:
        """(share of the usual speed, the outage that sets it): the worst one counts, 1 without any."""
        slowest = 1.0, NO_INCIDENT
        for outage, limit in self.limits.items():
            pace = limit.pace(state, tier)
            if pace < slowest[0]:
                slowest = pace, outage
        return slowest
