"""Things that happen after so many hours in which the job computes: they stand still while it does."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from ras_sim.faults.corruption import Window


class Countdown:
    """One of them.

    Args:
        left_h: hours of computing, within the window, that are left.
        window: only hours in it count; None: all.
        then: called when none is left.
        from_load: only hours in which nodes compute at this share of full speed or more count.
    """

    __slots__ = ("alarm", "from_load", "left_h", "since_h", "then", "window")

    def __init__(
        self, left_h: float, window: Window | None, then: Callable[[], None], from_load: float = 0.0
    ) -> None:
        self.from_load = from_load
        self.left_h = left_h
        self.window = window
        self.then = then
        self.since_h = 0.0
        self.alarm: simpy.Event | None = None

    def pass_until(self, now_h: float) -> None:
        """Take off what has passed since the job computes."""
        if self.alarm is not None:
            passed_h = now_h - self.since_h
            if self.window is not None:
                passed_h = self.window.open_h(now_h) - self.window.open_h(self.since_h)
            self.left_h = max(0.0, self.left_h - passed_h)
            self.alarm = None

    def due_h(self, now_h: float) -> float:
        """When it is due if the job computes from now on."""
        if self.window is None:
            return now_h + self.left_h
        return max(now_h, self.window.reached_h(now_h, self.left_h))


class Countdowns:
    """All countdowns of one replication.

    Args:
        env: the simulation.
    """

    __slots__ = ("_env", "_load", "_runs", "_waiting")

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._waiting: dict[Countdown, None] = {}  # in the order in which they were begun
        self._runs = False
        self._load = 1.0

    def begin(
        self, after_h: float, then: Callable[[], None], window: Window | None = None, from_load: float = 0.0
    ) -> Countdown:
        """Call `then` after so many hours of computing, in the window and at that load or more."""
        one = Countdown(after_h, window, then, from_load)
        self._waiting[one] = None
        if self._runs:
            self._arm(one)
        return one

    def cancel(self, one: Countdown) -> None:
        """Forget it; nothing happens if it is over."""
        self._waiting.pop(one, None)
        one.alarm = None

    def job_runs(self) -> None:
        """The job computes from now on."""
        self._runs = True
        for one in self._waiting:
            self._arm(one)

    def job_stops(self) -> None:
        """The job computes no more."""
        self._runs = False
        for one in self._waiting:
            one.pass_until(self._env.now)

    def change_load(self, load: float) -> None:
        """From now on nodes compute at this share of full speed."""
        before, self._load = self._load, load
        if not self._runs:
            return
        for one in self._waiting:
            if before < one.from_load <= load:
                self._arm(one)
            elif load < one.from_load <= before:
                one.pass_until(self._env.now)

    def _arm(self, one: Countdown) -> None:
        if self._load < one.from_load:
            return
        now_h = self._env.now
        one.since_h = now_h
        one.alarm = alarm = self._env.timeout(one.due_h(now_h) - now_h)
        alarm.callbacks.append(lambda event: self._ring(one, event))

    def _ring(self, one: Countdown, alarm: simpy.Event) -> None:
        if one.alarm is alarm:  # otherwise the job has stopped since it was set
            self.cancel(one)
            one.then()
