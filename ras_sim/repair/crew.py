"""A crew of technicians: who is free, who is on the way or at work, and who waits for one of them."""

from __future__ import annotations

import math
from bisect import insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import simpy

from ras_sim.repair.roster import Shift


@dataclass(frozen=True, slots=True)
class Technician:
    """Somebody who was sent.

    Args:
        shift: number of the shift.
        off_h: when it ends, inf for never.
    """

    shift: int
    off_h: float


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Work that needs a technician: one try of a rung.

    Args:
        number: of all orders, as they were given; one that is handed over keeps its place in the queue.
    """

    number: int


class Crew:
    """The technicians of one replication and the orders that wait for one of them, first come first served.

    A change of shift is an event only while somebody waits and nobody is free.

    Args:
        env: the simulation.
        shifts: the people and their hours.
    """

    def __init__(self, env: simpy.Environment, shifts: Sequence[Shift]) -> None:
        self._env = env
        self._shifts = shifts
        self._busy: Counter[Technician] = Counter()
        self._waiting: list[tuple[Order, simpy.Event]] = []  # by number
        self._n_orders = 0
        self._alarm: simpy.Event | None = None
        self._clock: dict[float, simpy.Event] = {}  # hour -> happens then

    def order(self) -> Order:
        """A new order, the last in the queue."""
        self._n_orders += 1
        return Order(self._n_orders)

    def call(self, order: Order) -> simpy.Event:
        """Ask for a technician; the event that happens when one sets out has the `Technician` as its value."""
        sent = self._env.event()
        insort(self._waiting, (order, sent), key=_number)
        self._serve()
        return sent

    def call_again(self, order: Order) -> simpy.Event:
        """The same for work that is handed over; of those that are at this instant, the first in the queue comes first."""
        sent = self._env.event()
        insort(self._waiting, (order, sent), key=_number)
        self._serve_later()
        return sent

    def release(self, technician: Technician) -> None:
        """A technician is free again, or goes home."""
        self._busy[technician] -= 1
        if not self._busy[technician]:
            del self._busy[technician]
        if self._waiting:
            self._serve_later()

    def at(self, hour: float) -> simpy.Event:
        """What happens at an hour: one event for all who wait for it, so that it is the same instant for all."""
        key = round(hour, 6)
        event = self._clock.get(key)
        if event is None:
            event = self._clock[key] = self._env.timeout(max(0.0, hour - self._env.now))
            event.callbacks.append(partial(self._strike, key))
        return event

    def _strike(self, key: float, _: simpy.Event) -> None:
        del self._clock[key]

    def _serve_later(self) -> None:
        """Serve when all that happens at this instant has happened."""
        event = self._env.event()
        event.callbacks.append(self._serve)
        event.succeed()

    def _serve(self, _: simpy.Event | None = None) -> None:
        """Send whom there is to those who wait."""
        while self._waiting:
            technician = self._free()
            if technician is None:
                self._set_alarm()
                return
            self._busy[technician] += 1
            self._waiting.pop(0)[1].succeed(technician)

    def _free(self) -> Technician | None:
        """Somebody on duty who is free, of those whose shift ends last; None if there is nobody."""
        best = None
        for number, shift in enumerate(self._shifts):
            off_h = shift.off_h(self._env.now)
            if off_h is None:
                continue
            one = Technician(number, off_h)
            # Whoever is still at work after the end of a shift is no member of the next.
            if self._busy[one] < shift.count and (best is None or off_h > best.off_h):
                best = one
        return best

    def _set_alarm(self) -> None:
        """Look again when the next shift begins; of somebody who comes free before, `release` tells."""
        if self._alarm is not None:
            return
        next_h = min(
            (shift.next_on_h(self._env.now) for shift in self._shifts if shift.count), default=math.inf
        )
        if next_h < math.inf:
            self._alarm = self.at(next_h)
            self._alarm.callbacks.append(self._ring)

    def _ring(self, _: simpy.Event) -> None:
        self._alarm = None
        self._serve_later()


def _number(waiting: tuple[Order, simpy.Event]) -> int:
    return waiting[0].number
