"""Layers that handle one fault twice: the job is restarted once more, a while after the fault was detected."""

from __future__ import annotations

import math

from ras_sim.engine.scene import Scene
from ras_sim.faults.clocks import EXTRA
from ras_sim.repair.habits import DoubleHandling
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.streams import child_key, uniform

_DOUBLE = 33  # branch of a root cause's key from which the draws descend
_HAPPENS, _AFTER = range(2)


class SecondRestarts:
    """The restarts by another layer in one replication.

    Args:
        scene: where they are.
        rule: how often, and when.
    """

    def __init__(self, scene: Scene, rule: DoubleHandling) -> None:
        self._env, self._job, self._incidents = scene.env, scene.job, scene.incidents
        self._rule = rule

    def notice(self, incident: Incident) -> None:
        """A fault is detected: the other layer may act on it, too, if it has stopped the job."""
        if incident.effect != "interrupted":
            return
        draws = child_key(incident.root.key, _DOUBLE, incident.root.n_returns)
        if uniform(draws, _HAPPENS) < self._rule.p:
            timer = self._env.timeout(self._rule.after.draw(draws, _AFTER))
            timer.callbacks.append(lambda _: self._restart(incident, draws))

    def _restart(self, cause: Incident, draws: int) -> None:
        """Whatever the job does, it goes down and comes back; while it is down there is nothing to restart."""
        if self._job.holders:
            return
        incidents, now_h = self._incidents, self._env.now
        number = incidents.register.next_id()
        root = RootCause(cause.root.incident_id, draws, 0, math.nan, EXTRA)
        second = Incident(
            number, root, -1, "double_handling", cause.mode, -1, cause.node, "restart", now_h, (), (), 0, 1.0
        )
        second.detected_h = second.located_h = now_h
        incidents.register.open_alarm(second)
        incidents.impact.restart(second)
        incidents.endings.close_alarm(second, "restarted")
