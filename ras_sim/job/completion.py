"""The end of a job that has so much work to do: when that will be, while its speed changes and it stops and runs on."""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy


class Completion:
    """Calls when the work is done, if nothing happens before.

    A stop only puts that off, so an alarm from before it stays, and is set again when it rings too early.

    Args:
        env: the simulation.
        running: whether the job computes now.
        done: called when its work is done.
    """

    __slots__ = ("_alarm", "_alarm_h", "_done", "_done_h", "_env", "_running")

    def __init__(self, env: simpy.Environment, running: Callable[[], bool], done: Callable[[], None]) -> None:
        self._env, self._running, self._done = env, running, done
        self._done_h = self._alarm_h = math.inf  # when the work will be done, and when that is looked at
        self._alarm: simpy.Event | None = None  # the one that counts

    def expect(self, after_h: float) -> None:
        """The work will be done after this many hours."""
        self._done_h = self._env.now + after_h
        if self._done_h < self._alarm_h:
            self._set_alarm()

    def _set_alarm(self) -> None:
        """Ring when the work will be done, or the last bit of a float before: then the rest is exact."""
        self._alarm_h = self._done_h
        delay_h = math.nextafter(self._done_h - self._env.now, 0.0)
        self._alarm = alarm = self._env.timeout(delay_h)
        alarm.callbacks.append(self._ring)

    def _ring(self, alarm: simpy.Event) -> None:
        if alarm is not self._alarm:
            return  # it was overtaken
        self._alarm_h = math.inf
        if self._running():
            if self._env.now < self._done_h:
                self._set_alarm()
            else:
                self._done()
