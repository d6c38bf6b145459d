"""A job that makes no progress gives up, and waits for a person."""

from __future__ import annotations

import math

import simpy

from ras_sim.engine.course import Course, Steps
from ras_sim.engine.incidents import Incidents
from ras_sim.faults.clocks import EXTRA
from ras_sim.job.checkpoints import NOTHING_LOST
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import NO_INCIDENT
from ras_sim.repair.habits import GivingUp
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.scenario.setup import Setup
from ras_sim.streams import base_key

_ROUNDING_H = 1e-9  # positions are sums of intervals


class Patience:
    """Counts restarts without progress in one replication.

    Args:
        env: the simulation.
        rule: when the job gives up.
        job: which asks before each start-up.
        incidents: the wait for a person is an incident, too.
        seed, replication: the random history.
    """

    def __init__(
        self,
        env: simpy.Environment,
        rule: GivingUp,
        job: TrainingJob,
        incidents: Incidents,
        seed: int,
        replication: int,
    ) -> None:
        self._env = env
        self._rule = rule
        self._job = job
        self._incidents = incidents
        self._key = base_key(seed, replication, "gives_up")
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


def keep_patience(
    env: simpy.Environment, setup: Setup, job: TrainingJob, incidents: Incidents, seed: int, replication: int
) -> None:
    """Let the job give up, if the scenario says when."""
    if setup.gives_up is not None:
        job.may_start = Patience(env, setup.gives_up, job, incidents, seed, replication).may_start
