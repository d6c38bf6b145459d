"""Which checkpoints of one tier exist, and which of them are kept: runs of equally spaced saves, no list of each.

Positions are work in hours at full speed from the beginning of the job, and so are the ages that a retention policy
counts: a job that stands still makes no checkpoint old.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

_WHOLE = 1e-9  # of an interval: positions are sums of floats


@dataclass(frozen=True, slots=True)
class Retention:
    """What a tier keeps: the `last` checkpoints, and one for each `every_h` of work while it is not older than `for_h`.

    Args:
        last: the newest so many are kept, >= 1.
        every_h: the first checkpoint at or after each multiple of this is kept longer; None: none is.
        for_h: how long, in hours of work after it; None: for ever.
    """

    last: int
    every_h: float | None = None
    for_h: float | None = None


class Run(NamedTuple):
    """Checkpoints of one run of the job: at base_h + n x interval for n = first, first + multiple, ..., last.

    One of a stop that saved first has last = 0 and stands at base_h.
    """

    base_h: float
    last: int
    first: int


class Kept:
    """The checkpoints of one tier that still exist.

    Args:
        interval_h: work between saves of the shortest tier.
        multiple: of them between two saves of this tier.
        retention: what is kept; None: everything.
    """

    __slots__ = ("_interval_h", "_milestones_h", "_multiple", "_newest_ever_h", "_retention", "_runs")

    def __init__(self, interval_h: float, multiple: int, retention: Retention | None) -> None:
        self._interval_h = interval_h
        self._multiple = multiple
        self._retention = retention
        self._runs: list[Run] = []  # ascending
        self._milestones_h: list[float] = []  # kept longer than the last ones, ascending
        self._newest_ever_h = 0.0  # of what exists: where the next milestone counts from

    def add(self, base_h: float, last: int) -> None:
        """A run of the job has ended whose last save has that number; 0 is one save at its very beginning."""
        run = Run(base_h, last, self._multiple if last else 0)
        if self._retention is None:
            self._runs.append(run)
            return
        if not last and self.newest_h(base_h) == base_h:
            return  # saved again without any work between: it is the same checkpoint
        self._mark(run, self._retention)
        self._runs.append(run)
        self._drop_old(self._retention)

    def newest_h(self, before_h: float) -> float | None:
        """Position of the newest checkpoint of work up to `before_h` that is kept, None if there is none."""
        if before_h == math.inf and self._runs:
            base_h, last, _ = self._runs[-1]  # what is kept longer is no newer
            return base_h + last * self._interval_h
        found = self._newest_of_runs(before_h)
        milestones_h = self._milestones_h
        if milestones_h:
            n = bisect_right(milestones_h, before_h)
            if n and (found is None or milestones_h[n - 1] > found):
                return milestones_h[n - 1]
        return found

    def _newest_of_runs(self, before_h: float) -> float | None:
        interval_h, multiple = self._interval_h, self._multiple
        for base_h, last, first in reversed(self._runs):
            if base_h > before_h:
                continue
            if last == 0:
                return base_h
            save = last
            if base_h + save * interval_h > before_h:
                save = math.floor((before_h - base_h) / interval_h)
                save -= save % multiple
            if save >= first:
                return base_h + save * interval_h
        return None

    def forget_after(self, position_h: float) -> None:
        """Checkpoints of work that was thrown away are gone."""
        runs, interval_h = self._runs, self._interval_h
        while runs:
            base_h, last, first = runs[-1]
            if base_h + last * interval_h <= position_h:
                break
            runs.pop()
            if base_h > position_h:
                continue
            save = math.floor((position_h - base_h) / interval_h + _WHOLE)
            save -= save % self._multiple
            if save >= first:
                runs.append(Run(base_h, save, first))
            break
        if self._retention is not None:
            del self._milestones_h[bisect_right(self._milestones_h, position_h + _WHOLE * interval_h) :]
            self._newest_ever_h = min(self._newest_ever_h, position_h)

    def forget_upto(self, position_h: float) -> None:
        """Checkpoints of work up to here are lost; runs of the job end at a stop, so that all of a run is lost or none."""
        interval_h = self._interval_h
        self._runs = [run for run in self._runs if run.base_h + run.last * interval_h > position_h]
        del self._milestones_h[: bisect_right(self._milestones_h, position_h + _WHOLE * interval_h)]

    def clear(self) -> None:
        """Everything is lost."""
        self._runs.clear()
        self._milestones_h.clear()

    def _mark(self, run: Run, retention: Retention) -> None:
        """Note the first save of the run at or after each multiple of `every_h` that no earlier one has reached."""
        end_h = run.base_h + run.last * self._interval_h
        if retention.every_h is not None:
            every_h = retention.every_h
            reached = math.floor(self._newest_ever_h / every_h + _WHOLE) + 1
            while reached * every_h <= end_h + _WHOLE * every_h:
                at_h = self._first_at_or_after(run, reached * every_h)
                self._milestones_h.append(at_h)
                reached = max(reached, math.floor(at_h / every_h + _WHOLE)) + 1
        self._newest_ever_h = max(self._newest_ever_h, end_h)

    def _first_at_or_after(self, run: Run, position_h: float) -> float:
        """Position of the first save of a run from there on."""
        if run.last == 0:
            return run.base_h
        step_h = self._multiple * self._interval_h
        n = max(1, math.ceil((position_h - run.base_h) / step_h - _WHOLE))
        return run.base_h + n * step_h

    def _drop_old(self, retention: Retention) -> None:
        """Delete what the policy does not keep, now that the newest checkpoint is the last one of the last run."""
        left, n_runs = retention.last, len(self._runs)
        for back in range(1, n_runs + 1):
            base_h, last, first = self._runs[-back]
            n = 1 if last == 0 else (last - first) // self._multiple + 1
            if n >= left:
                if last:
                    self._runs[-back] = Run(base_h, last, last - (left - 1) * self._multiple)
                del self._runs[: n_runs - back]
                break
            left -= n
        if retention.for_h is not None:
            oldest_h = self._newest_ever_h - retention.for_h
            del self._milestones_h[: bisect_right(self._milestones_h, oldest_h - _WHOLE * self._interval_h)]
