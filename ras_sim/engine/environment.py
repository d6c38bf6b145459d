"""The environment of one replication: SimPy's, with what every event passes through written for speed.

The same events happen at the same hours in the same order; processes, resources and interrupts are SimPy's own. Three things
differ: `now` is an attribute, for it is read some thirty times an incident; a timeout is made in one call; a step does not
end after one event, since SimPy's `run` steps on anyway until an event raises `StopSimulation` (docs/decisions/0008).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any

import simpy
from simpy.core import EmptySchedule
from simpy.events import NORMAL, Timeout


class _Alarm(Timeout):
    """A timeout whose value is None, unless it is given another."""

    __init__ = object.__init__
    _ok = True
    _value = None


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
        event: Timeout = _Alarm()
        event.env, event.callbacks, event._delay = self, [], delay
        if value is not None:
            event._value = value
        heappush(self._queue, (self.now + delay, NORMAL, next(self._eid), event))
        return event

    def step(self) -> None:
        """The next event happens, and all that follow, until one of them stops the run."""
        queue = self._queue
        while queue:
            now, _, _, event = heappop(queue)
            self.now = self._now = now
            callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
            for callback in callbacks:
                callback(event)
            if not event._ok and not event.defused:
                raise event._value
        raise EmptySchedule
