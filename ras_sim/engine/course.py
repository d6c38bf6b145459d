"""The course of an incident: a generator of the events that it waits for, carried on by their callbacks.

A simpy process does the same with two events more, one for its start and one for its end. Nobody waits for either here,
and they are a third of all events of an incident.
"""

from __future__ import annotations

from collections.abc import Generator

import simpy

Steps = Generator[simpy.Event, None, None]


class Course:
    """One generator of events.

    Args:
        steps: yields each event that it waits for, which must not have been processed yet.
    """

    __slots__ = ("_steps",)

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def go_on(self, _: simpy.Event | None = None) -> None:
        """Run to the next event to wait for, or to the end."""
        event = next(self._steps, None)
        if event is not None:
            event.callbacks.append(self.go_on)
