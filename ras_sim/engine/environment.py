"""The environment of one replication: SimPy's, with what every event passes through written for speed.

The same events happen at the same hours in the same order; processes, resources and interrupts are SimPy's own. Three things
differ: `now` is an attribute, for it is read some thirty times an incident; a timeout is made in one call; a step knows
nothing of runs that are stopped and go on later, for a replication runs once (docs/decisions/0008).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Timeout


class Environment(simpy.Environment):
    """SimPy's environment, from hour 0 on.

    Attributes:
        now: the hour.
    """

    now: float = 0.0

    def timeout(self, delay: float = 0.0, value: Any = None) -> Timeout:
        """An event that happens after a delay, as `simpy.Timeout` makes it; hours, >= 0."""
        if delay < 0.0:
            raise ValueError(f"Negative delay {delay}")
        event = Timeout.__new__(Timeout)
        event.env = self
        event.callbacks = []
        event._value, event._delay, event._ok = value, delay, True
        heappush(self._queue, (self.now + delay, NORMAL, next(self._eid), event))
        return event

    def step(self) -> None:
        """The next event happens."""
        if not self._queue:
            raise EmptySchedule
        now, _, _, event = heappop(self._queue)
        self.now = self._now = now
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        for callback in callbacks:
            callback(event)
        if not event._ok and not event.defused:
            raise event._value
