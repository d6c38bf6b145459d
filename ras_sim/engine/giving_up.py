"""A job that makes no progress gives up, and waits for a person."""

from __future__ import annotations

import math

from ras_sim.engine.course import Course, Steps
from ras_sim.engine.scene import Scene
from ras_sim.faults.clocks import EXTRA
from ras_sim.job.checkpoints import NOTHING_LOST
from ras_sim.ledger import NO_INCIDENT
from ras_sim.repair.habits import GivingUp
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause

_ROUNDING_H = 1e-9  # positions are sums of intervals


class Patience:
    """Counts restarts without progress in one replication.

    Args:
        scene: with the job that asks before each start-up.
        rule: when it gives up.
    """

    def __init__(self, scene: Scene, rule: GivingUp) -> None:
        self._env, self._job, self._incidents = scene.env, scene.job, scene.incidents
        self._rule = rule
        self._key = scene.key("gives_up")
        self._n_interventions = 0
        self._n_in_vain = 0  # restarts in a row that begin where the last one did
        self._position_h = 0.0

    def may_start(self, position_h: float, blame: int) -> bool:
        """Whether the job starts up now; otherwise it is held until a person has looked at it.

        Args:
            position_h: work in hand, after the job went back.
            blame: the incident that made it restart.
        """
        if blame == NO_INCIDENT:
            return True
        moved = position_h > self._position_h + _ROUNDING_H
        self._position_h = position_h
        self._n_in_vain = 0 if moved else self._n_in_vain + 1
        if self._n_in_vain < self._rule.restarts:
            return True
        self._n_in_vain = -1  # the start after the intervention is this one, and counts for nothing
        Course(self._intervene()).go_on()
        return False

    def _intervene(self) -> Steps:
        incidents, now_h = self._incidents, self._env.now
        number = incidents.register.next_id()
        root = RootCause(number, self._key, 0, math.nan, EXTRA)
        wait = Incident(
            number, root, -1, "gives_up", "no_progress", -1, None, "stalled", now_h, (), (), 0, 1.0
        )
        wait.detected_h, wait.effect = now_h, "extended"
        incidents.register.open_alarm(wait)
        self._job.hold(number, "diagnose", NOTHING_LOST)
        yield self._env.timeout(self._rule.intervention.draw(self._key, self._n_interventions))
        self._n_interventions += 1
        wait.located_h = self._env.now
        self._job.release(number)
        incidents.endings.close_alarm(wait, "restarted")
