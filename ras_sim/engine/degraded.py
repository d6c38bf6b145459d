"""Running on with less: repairs that wait for a stop of the job, and parts that were taken out of use."""

from __future__ import annotations

from functools import partial

import simpy

from ras_sim.engine.impact import Impact
from ras_sim.engine.spread import Spread
from ras_sim.repair.incident import Incident
from ras_sim.repair.ladder import Rung
from ras_sim.scenario.setup import Setup


class Degraded:
    """Incidents that slow the job and wait for their repair, in one replication.

    Args:
        env: the simulation.
        setup: the scenario.
        impact: what the waiting incidents do to the job.
        spread: where their parts are.
    """

    def __init__(self, env: simpy.Environment, setup: Setup, impact: Impact, spread: Spread) -> None:
        self._env = env
        self._rule = setup.policy.degraded
        self._impact = impact
        self._spread = spread
        self._waiting: dict[int, tuple[Incident, simpy.Event]] = {}
        self._disabled: dict[tuple[str, int | None], list[Incident]] = {}  # class and node -> parts out of use
        if self._rule is not None:
            impact.on_stop, impact.exposure.on_leave = self.stopped, self._left

    # ------------------------------------------------------------------ repairs that wait

    def can_wait(self, incident: Incident) -> bool:
        """Whether the job may run on with this fault for now: it leaves the job fast enough, and is in it or disabled."""
        rule = self._rule
        if rule is None or not rule.defer_from <= incident.speed:
            return False
        return incident.disabled or self._impact.exposure.slows_job(incident)

    def must_drain(self, incident: Incident) -> bool:
        """Whether nodes that were only narrowed are taken out of the job at once: it is too slow, and spares are there."""
        rule = self._rule
        return rule is not None and incident.speed < rule.drain_below and self._impact.can_replace(incident)

    def wait(self, incident: Incident) -> simpy.Event:
        """The event that its repair waits for: a stop of the job, its node out of the job, or the longest wait."""
        event = self._env.event()
        incident.deferred = True
        self._waiting[incident.incident_id] = incident, event
        if self._rule is not None and self._rule.at_most_h is not None:
            timer = self._env.timeout(self._rule.at_most_h)
            timer.callbacks.append(partial(self._time_is_up, incident))
        return event

    def stopped(self, planned: bool = False) -> None:
        """The job stops: what waits for such a stop is repaired now."""
        if self._waiting and self._rule is not None and self._rule.ends_at(planned):
            for incident, _ in tuple(self._waiting.values()):
                self.end_wait(incident)

    def _left(self, incident: Incident) -> None:
        """Its nodes have left the job: a part that works is repaired now, one that is out of use waits on."""
        if not incident.disabled:
            self.end_wait(incident)

    def _time_is_up(self, incident: Incident, _: simpy.Event) -> None:
        self.end_wait(incident)

    def end_wait(self, incident: Incident) -> None:
        """It waits no longer, if it did."""
        waiting = self._waiting.pop(incident.incident_id, None)
        if waiting is not None:
            incident.deferred = False
            waiting[1].succeed()

    # ------------------------------------------------------------------ parts that are out of use

    def has_room(self, incident: Incident, rung: Rung) -> bool:
        """Whether one more part of this class may be disabled in its node, which needs one that works at least."""
        limit = self._spread.n_in_node(incident.component_class) - 1
        n = len(self._disabled.get((incident.component_class, incident.node), ()))
        return n < (limit if rung.at_most is None else min(limit, rung.at_most))

    def disable(self, incident: Incident) -> None:
        """Take the part of an incident out of use: sets the speed that it leaves the job."""
        parts = self._disabled.setdefault((incident.component_class, incident.node), [])
        parts.append(incident)
        incident.disabled = True
        incident.speed = self._spread.speed_without(incident.component_class, len(parts))

    def enable(self, incident: Incident) -> None:
        """The part works again, or is new: the others that are out of use slow its node less."""
        if incident.disabled:
            parts = self._disabled[incident.component_class, incident.node]
            parts.remove(incident)
            for n, other in enumerate(parts, start=1):
                self._impact.exposure.change_speed(other, self._spread.speed_without(other.component_class, n))
