"""What a job waits for while it does not compute: a delay that goes on at the pace of the services it needs."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from ras_sim.job.phases import Phases


def _nothing_follows() -> None:
    """No delay was begun yet."""


class Wait:
    """One delay at a time; a new one, or `drop`, makes that of before be forgotten.

    Args:
        env: the simulation.
        phases: the outages that go on: while there is none, everything goes on at its usual speed.
        pace: the share of the usual speed at which the present state of the job goes on, 0..1, while there are outages.

    Attributes:
        alarm: the one that counts, or counted last; older ones are ignored when they ring.
        left_h: of the delay, at the usual speed, as of when it was begun or its pace changed; None: nobody waits.
    """

    __slots__ = ("_env", "_pace", "_paced_h", "_phases", "_then", "alarm", "left_h")

    def __init__(self, env: simpy.Environment, phases: Phases, pace: Callable[[], float]) -> None:
        self._env, self._phases, self._pace = env, phases, pace
        self.alarm: simpy.Event | None = None
        self.left_h: float | None = None
        self._paced_h = env.now
        self._then: Callable[[], None] = _nothing_follows

    def begin(self, delay_h: float, then: Callable[[], None]) -> None:
        """Call `then` after a delay, in hours at the usual speed, unless it is dropped first."""
        self._then = then
        self._set_alarm(delay_h)

    def drop(self) -> None:
        """Nobody waits any more."""
        self.alarm = self.left_h = None

    def change_pace(self, change: Callable[[], object]) -> None:
        """What is waited for goes on at another speed after this change."""
        if self.left_h is not None:
            pace = self._pace() if self._phases.limits else 1.0
            self.left_h = max(0.0, self.left_h - (self._env.now - self._paced_h) * pace)
        change()
        if self.left_h is not None:
            self._set_alarm(self.left_h)

    def _set_alarm(self, left_h: float) -> None:
        """Ring when the delay is over at the present pace; never while nothing moves."""
        self.left_h, self._paced_h = left_h, self._env.now
        if self._phases.limits and (pace := self._pace()) < 1.0:
            if pace == 0.0:
                self.alarm = None
                return
            left_h /= pace
        self.alarm = alarm = self._env.timeout(left_h)
        alarm.callbacks.append(self._ring)

    def _ring(self, alarm: simpy.Event) -> None:
        if alarm is self.alarm:  # otherwise the state has changed since it was set
            self.left_h = None
            self._then()
