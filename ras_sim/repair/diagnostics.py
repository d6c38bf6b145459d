"""The test before a node returns to service: how long it takes, what it finds, and when it is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from ras_sim.distributions import Distribution


@dataclass(frozen=True, slots=True)
class Validation:
    """A test with its errors.

    Args:
        duration: of one test.
        coverage: probability to find a fault that was not fixed.
        p_false_alarm: probability to reject a good node.
    """

    duration: Distribution
    coverage: float
    p_false_alarm: float

    def rejects(self, fixed: bool, u: float) -> bool:
        """Whether the test says no; u in (0, 1)."""
        return u < (self.p_false_alarm if fixed else self.coverage)
