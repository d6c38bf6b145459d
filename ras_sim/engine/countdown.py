"""Things that happen after so many hours in which the job computes: they stand still while it does."""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy

from ras_sim.faults.corruption import Window
from ras_sim.streams import child_key, uniform


class Countdown:
    """One of them.

    Args:
        left_h: hours of computing, within the window, that are left.
        window: only hours in it count; None: all.
        then: called when none is left.
        from_load: only hours in which nodes compute at this share of full speed or more count.

    Attributes:
        over_h: when none will be left if the job computes on, as of when it last began to; inf while hours do not count.
    """

    __slots__ = ("from_load", "left_h", "over_h", "since_h", "then", "window")

    def __init__(
        self, left_h: float, window: Window | None, then: Callable[[], None], from_load: float = 0.0
    ) -> None:
        self.from_load = from_load
        self.left_h = left_h
        self.window = window
        self.then = then
        self.since_h = 0.0
        self.over_h = math.inf

    def go_on(self, paused_h: float, now_h: float) -> float:
        """Hours count from now on, after they did not from `paused_h` until now; returns when none will be left."""
        left_h, window = self.left_h, self.window
        if self.over_h < math.inf:  # what passed until the pause is taken off
            if window is None:
                left_h -= paused_h - self.since_h
            else:
                left_h -= window.open_h(paused_h) - window.open_h(self.since_h)
            self.left_h = left_h = left_h if left_h > 0.0 else 0.0
        due_h = now_h + left_h if window is None else max(now_h, window.reached_h(now_h, left_h))
        self.since_h = now_h
        self.over_h = over_h = now_h + (due_h - now_h)
        return over_h

    def pause(self, now_h: float) -> None:
        """Hours do not count from now on."""
        self.go_on(now_h, now_h)
        self.over_h = math.inf


class Countdowns:
    """All countdowns of one replication; one alarm, for the next that will be over.

    Args:
        env: the simulation.
    """

    __slots__ = ("_alarm", "_alarm_h", "_env", "_load", "_runs", "_stopped_h", "_waiting")

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._waiting: dict[Countdown, None] = {}  # in the order in which they were begun
        self._runs = False
        self._stopped_h = 0.0  # when the job last did
        self._load = 1.0
        self._alarm: simpy.Event | None = None  # the one that counts
        self._alarm_h = math.inf

    def begin(
        self, after_h: float, then: Callable[[], None], window: Window | None = None, from_load: float = 0.0
    ) -> Countdown:
        """Call `then` after so many hours of computing, in the window and at that load or more."""
        one = Countdown(after_h, window, then, from_load)
        self._waiting[one] = None
        if self._runs and self._load >= from_load:
            self._arm(one.go_on(self._env.now, self._env.now))
        return one

    def begin_again_and_again(self, per_h: float, then: Callable[[int], None], key: int, ordinal: int = 0) -> None:
        """A Poisson process while the job computes: `then` is called with the key of the draws of each event.

        Args:
            per_h: events in an hour of computing, > 0.
            then: what happens; draw 0 of its key, the time before the event, is taken.
            key: from which the keys of all events descend.
            ordinal: number of the next event.
        """
        draws = child_key(key, ordinal)

        def happen() -> None:
            self.begin_again_and_again(per_h, then, key, ordinal + 1)
            then(draws)

        self.begin(-math.log(uniform(draws)) / per_h, happen)

    def cancel(self, one: Countdown) -> None:
        """Forget it; nothing happens if it is over."""
        self._waiting.pop(one, None)
        one.over_h = math.inf

    def job_runs(self) -> None:
        """The job computes from now on."""
        if self._runs:
            return
        self._runs = True
        now_h, stopped_h, load, next_h = self._env.now, self._stopped_h, self._load, math.inf
        for one in self._waiting:
            if one.from_load > load:
                one.pause(stopped_h)
            elif (over_h := one.go_on(stopped_h, now_h)) < next_h:
                next_h = over_h
        self._arm(next_h)

    def job_stops(self) -> None:
        """The job computes no more; what has passed of each is taken off when it does again."""
        if self._runs:
            self._runs, self._stopped_h = False, self._env.now
            self._alarm, self._alarm_h = None, math.inf

    def change_load(self, load: float) -> None:
        """From now on nodes compute at this share of full speed."""
        before, self._load = self._load, load
        if not self._runs:
            return
        now_h = self._env.now
        for one in self._waiting:
            if before < one.from_load <= load:
                self._arm(one.go_on(now_h, now_h))
            elif load < one.from_load <= before:
                one.pause(now_h)

    def _arm(self, next_h: float) -> None:
        """Make sure that the alarm rings when a countdown is over then."""
        if next_h < self._alarm_h:
            now_h = self._env.now
            delay_h = next_h - now_h
            if now_h + delay_h > next_h:  # by the last bit: ring before that, and wait for the rest, which is exact
                delay_h = math.nextafter(delay_h, 0.0)
            self._alarm_h = next_h
            self._alarm = alarm = self._env.timeout(delay_h)
            alarm.callbacks.append(self._ring)

    def _ring(self, alarm: simpy.Event) -> None:
        if alarm is not self._alarm:
            return  # the job has stopped since it was set, or another countdown came before
        self._alarm, self._alarm_h = None, math.inf
        now_h = self._env.now
        for one in tuple(self._waiting):
            if self._runs and one.over_h <= now_h:  # one before it may have stopped the job, or cancelled this one
                self.cancel(one)
                one.then()
        if self._runs:
            self._arm(min([one.over_h for one in self._waiting], default=math.inf))
