"""False alarms of watchdogs: a healthy node is taken out of the job, and returns."""

from __future__ import annotations

import math

from ras_sim.engine.arrivals import JobClock
from ras_sim.engine.course import Course, Steps
from ras_sim.engine.innocents import Innocents
from ras_sim.engine.scene import Scene
from ras_sim.faults.clocks import EXTRA
from ras_sim.faults.modes import STOPPING
from ras_sim.repair.detection import Watchdog
from ras_sim.repair.incident import Incident
from ras_sim.repair.policy import RootCause
from ras_sim.streams import child_key, uniform

_EARLY_H = 1e-9  # an alarm on the job's clock may be taken this early: a guard against rounding
_GAP, _NODE, _DIAGNOSE, _TEST = range(4)  # draws of a false alarm; the last is the branch of those of its tests


class FalseAlarms:
    """The false alarms of all watchdogs in one replication: a Poisson process while the job computes.

    Args:
        scene: where they come.
        clock: of the job.
    """

    def __init__(self, scene: Scene, clock: JobClock) -> None:
        self._scene = scene
        self._env, self._setup, self._cluster = scene.env, scene.setup, scene.cluster
        self._incidents = scene.incidents
        self._innocents = Innocents(scene)
        self._clock = clock
        self._due: dict[str, tuple[float, Watchdog, int, int]] = {}  # on the job's clock, with key and number

    def begin(self) -> None:
        """They come now and then from here on."""
        for watchdog in self._setup.watchdogs:
            if watchdog.false_per_h > 0.0:
                self._await(watchdog, self._scene.key("watchdog", watchdog.name), 0)

    def _computed_h(self) -> float:
        """Hours in which the job has computed until now."""
        return self._clock.read(self._env.now)

    def _await(self, watchdog: Watchdog, key: int, ordinal: int) -> None:
        """Alarm number `ordinal` comes after an exponential time of computing."""
        after_h = -math.log(uniform(child_key(key, ordinal), _GAP)) / watchdog.false_per_h
        self._due[watchdog.name] = self._computed_h() + after_h, watchdog, key, ordinal

    def job_runs(self) -> None:
        """The job computes from now on: alarms come if it does so for long enough."""
        for name, (due_h, *_) in self._due.items():
            self._arm(name, due_h)

    def _arm(self, name: str, due_h: float) -> None:
        self._env.timeout(max(0.0, due_h - self._computed_h())).callbacks.append(
            lambda _: self._ring(name, due_h)
        )

    def _ring(self, name: str, due_h: float) -> None:
        """The job may have stood still since this was set: then it was set anew when it ran again, or will be."""
        at_h, watchdog, key, ordinal = self._due[name]
        if at_h != due_h or self._computed_h() < due_h - _EARLY_H or not self._clock.runs:
            return
        draws = child_key(key, ordinal)
        self._await(watchdog, key, ordinal + 1)
        self._arm(name, self._due[name][0])
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
