"""A training job as the engine knows it: its size, and the times that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from ras_sim.job.checkpoints import NODE_LOST, Plan, Tier


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What the state machine needs to know.

    Args:
        n_gpus: ranks.
        work_h: work at full speed after which the job is done; None: it trains until the horizon.
        start_up_h: initialise time at this size.
        plan: when it saves, and where.
        tested_frac: share of the time between saves in which it pauses for tests in production, 0 <= x < 1.
    """

    n_gpus: int
    work_h: float | None
    start_up_h: float
    plan: Plan
    tested_frac: float = 0.0

    @property
    def save_h(self) -> float:
        """Time of a save on demand: until the quickest tier that survives the loss of nodes can be used."""
        tier = self.save_tier
        return 0.0 if tier is None else tier.blocking_h + tier.valid_after_h

    @property
    def save_tier(self) -> Tier | None:
        """The quickest tier that survives the loss of nodes."""
        tiers = [tier for tier in self.plan.tiers if tier.survives >= NODE_LOST]
        return min(tiers, key=lambda tier: tier.blocking_h + tier.valid_after_h, default=None)
