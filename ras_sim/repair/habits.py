"""What layers above the repair do: restart a job that another layer restarts already, or give up restarting it."""

from __future__ import annotations

from dataclasses import dataclass

from ras_sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class DoubleHandling:
    """Another layer handles a fault that stopped the job, too: it restarts the job once more.

    Args:
        p: probability for each fault that stops the job, each time that it is detected.
        after: from detection until the other layer restarts it.
    """

    p: float
    after: Distribution


@dataclass(frozen=True, slots=True)
class GivingUp:
    """After `restarts` in a row that begin where the last one did, the job waits for a person.

    Args:
        restarts: so many.
        intervention: until the person has looked at it and starts it again.
    """

    restarts: int
    intervention: Distribution
