"""The end of a job that has so much work to do: when that will be, while its speed changes and it stops and runs on."""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy

from ras_sim.job.checkpoints import Progress

_EARLY = 1.0 - 1e-12  # of a delay that was reckoned in another order of rounding


class Completion:
    """Calls when the work is done.

    Saves and stops only put that off: an alarm at the soonest hour that is possible stays through all of them, and when it
    rings the rest is reckoned exactly.

    Args:
        env: the simulation.
        progress: how far the job is, and how fast it runs.
        work_h: its work, hours at full speed.
        running: whether it computes now.
        done: called when its work is done.
    """

    __slots__ = ("_alarm", "_alarm_h", "_done", "_env", "_progress", "_running", "_work_h")

    def __init__(
        self,
        env: simpy.Environment,
        progress: Progress,
        work_h: float,
        running: Callable[[], bool],
        done: Callable[[], None],
    ) -> None:
        self._env = env
        self._progress = progress
        self._work_h = work_h
        self._running = running
        self._done = done
        self._alarm_h = math.inf  # when it is looked whether the work is done
        self._alarm: simpy.Event | None = None  # the one that counts

    def expect(self) -> None:
        """The job computes from now on, or goes on at another speed."""
        soonest_h = self._env.now + self._progress.least_time_to(self._work_h) * _EARLY
        if soonest_h < self._alarm_h:
            self._set_alarm(soonest_h)

    def _set_alarm(self, at_h: float) -> None:
        """Ring then, or the last bit of a float before: then the rest is exact."""
        self._alarm_h = at_h
        self._alarm = alarm = self._env.timeout(math.nextafter(at_h - self._env.now, 0.0))
        alarm.callbacks.append(self._ring)

    def _ring(self, alarm: simpy.Event) -> None:
        if alarm is not self._alarm:
            return  # it was overtaken
        self._alarm_h = math.inf
        if self._running():
            done_h = self._progress.when(self._work_h)
            if self._env.now < done_h:
                self._set_alarm(done_h)
            else:
                self._done()
