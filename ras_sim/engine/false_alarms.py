"""False alarms of watchdogs: a healthy node is taken out of the job, and returns."""

from __future__ import annotations

import math
from functools import partial

from ras_sim.engine.course import Course, Steps
from ras_sim.engine.innocents import Innocents
from ras_sim.engine.scene import Scene
from ras_sim.faults.clocks import EXTRA
from ras_sim.faults.modes import STOPPING
from ras_sim.repair.detection import Watchdog
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.streams import child_key, uniform

_NODE, _DIAGNOSE, _TEST = 1, 2, 3  # draws of a false alarm, beside its time; the last is the branch of those of its tests


class FalseAlarms:
    """The false alarms of all watchdogs in one replication: a Poisson process while the job computes.

    Args:
        scene: where they come.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._env, self._setup, self._cluster = scene.env, scene.setup, scene.cluster
        self._incidents, self._countdowns = scene.incidents, scene.countdowns
        self._innocents = Innocents(scene)

    def begin(self) -> None:
        """They come now and then from here on."""
        for watchdog in self._setup.watchdogs:
            if watchdog.false_per_h > 0.0:
                key = self._scene.key("watchdog", watchdog.name)
                self._countdowns.begin_again_and_again(watchdog.false_per_h, partial(self._bark, watchdog), key)

    def _bark(self, watchdog: Watchdog, draws: int) -> None:
        node = self._cluster.one_of_job(uniform(draws, _NODE))
        if node is not None:
            Course(self._clear(watchdog, node, draws)).go_on()

    def _clear(self, watchdog: Watchdog, node: int, draws: int) -> Steps:
        """The node leaves the job, nothing is found in it, and it returns.

        Who looks for faults that stop the job has stopped it; who looks for slow or silent ones lets it save first.
        """
        incidents, now_h = self._incidents, self._env.now
        number = incidents.register.next_id()
        root = RootCause(number, draws, 0, math.nan, EXTRA)
        alarm = Incident(
            number, root, -1, "false_alarm", watchdog.name, -1, node, "alarm", now_h, (), (), 0, 1.0
        )
        alarm.detected_h = now_h
        incidents.register.open_alarm(alarm)
        incidents.impact.accuse(alarm, node, go_back=not STOPPING.isdisjoint(watchdog.symptoms))
        delay_h = self._setup.diagnose.draw(draws, _DIAGNOSE)
        if delay_h > 0.0:
            yield self._env.timeout(delay_h)
        alarm.located_h = self._env.now
        yield from self._innocents.test(alarm, child_key(draws, _TEST))
