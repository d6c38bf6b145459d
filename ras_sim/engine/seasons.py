"""Clocks on which the hours of a season pass: each has a queue of faults of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ras_sim.faults.clocks import Axis
from ras_sim.faults.modes import Clock
from ras_sim.faults.seasons import Season


class SeasonalClock:
    """The clock of the modes that share a season and a clock.

    Args:
        clock: what time their parts age on.
        season: how quickly.
        idle: nodes that do not serve the job at the start.

    Attributes:
        axis: the faults, in the order of this clock.
        runs: whether it does.
    """

    def __init__(self, clock: Clock, season: Season, idle: Iterable[int]) -> None:
        self.axis = Axis()
        self.clock = clock
        self._season = season
        self._since = 0.0  # reading of the season's hours at which the job began to run
        self._hours = 0.0  # of the season while the job ran, before that
        self.runs = clock != "in_job"
        self._next = self._next_h = math.nan  # the reading at which the next fault is due, and when that will be
        if clock == "in_job":
            self.axis.left_at_h = dict.fromkeys(idle, 0.0)

    def read(self, now_h: float) -> float:
        """The clock at an hour of the run."""
        return self._hours + (self._season.passed_h(now_h) - self._since) if self.runs else self._hours

    def when_h(self, reading: float) -> float:
        """The hour of the run at which it reads so, if it does not stop before; inf if it stands still."""
        return self._season.when_h(self._since + (reading - self._hours)) if self.runs else math.inf

    def due_h(self, before_h: float) -> float:
        """When the next fault is due; inf if none is, or none before that hour."""
        if not (self.runs and self.axis.queue):
            return math.inf
        reading = self.axis.queue[0].at_h
        if reading != self._next:
            if self._season.soonest_h(self._since + (reading - self._hours)) >= before_h:
                return math.inf
            self._next, self._next_h = reading, self.when_h(reading)
        return self._next_h

    def job_runs(self, now_h: float) -> None:
        """The job computes from now on; told to clocks of the job alone."""
        self._since, self.runs = self._season.passed_h(now_h), True
        self._next = math.nan

    def job_stops(self, now_h: float) -> None:
        """The job computes no more; told to clocks of the job alone."""
        self._hours, self.runs = self.read(now_h), False
        self._next = math.nan

    def leave(self, nodes: Iterable[int], now_h: float) -> None:
        """Nodes cease to age on this clock."""
        for node in nodes:
            self.axis.leave(node, self.read(now_h))

    def join(self, nodes: Iterable[int], now_h: float) -> None:
        """Nodes age again on this clock."""
        for node in nodes:
            self.axis.join(node, self.read(now_h))
