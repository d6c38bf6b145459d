"""Stops to grow: an elastic job saves its work, stops, and comes back with more replicas."""

from __future__ import annotations

from ras_sim.engine.course import Course
from ras_sim.engine.planned import PlannedStops
from ras_sim.job.elastic import ElasticRule

GROW = "grow"
"""The name of such a stop among the planned ones."""


class Growth:
    """The stops to grow of one replication; they are planned stops, each as long as it takes to form the groups anew.

    Args:
        rule: of the job.
        key: base key of their durations.
        stops: the planned stops of the job.
    """

    def __init__(self, rule: ElasticRule, key: int, stops: PlannedStops) -> None:
        self._rule, self._key, self._stops = rule, key, stops
        self._n = 0

    def stop(self) -> None:
        """Stop the job, which runs, now; at its restart it takes the largest width there is."""
        self._n += 1
        Course(self._stops.stop(GROW, self._rule.reconfigure.draw(self._key, self._n))).go_on()
