"""A crew of technicians: who is free, who is on the way or at work, and which orders wait for one of them."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import simpy

from ras_sim.repair.queue import Discipline, Order, Waiting, first_come
from ras_sim.repair.roster import EARLY_H, Shift


class Technician(NamedTuple):
    """Somebody who was sent.

    Args:
        shift: number of the shift.
        off_h: when it ends, inf for never.
    """

    shift: int
    off_h: float


class Sent(NamedTuple):
    """A technician and how many like orders this one has done since the last way."""

    technician: Technician
    n_before: int = 0


class Crew:
    """The technicians with the same skills, and the orders that wait for one of them.

    A change of shift is an event only while somebody waits and nobody is free.

    Args:
        env: the simulation.
        shifts: the people and their hours.
        discipline: which order is next.
        batch: orders that are alike and done one after another on one way, at most; 1 for a way each.
    """

    def __init__(
        self,
        env: simpy.Environment,
        shifts: Sequence[Shift],
        discipline: Discipline = first_come,
        batch: int = 1,
    ) -> None:
        self._env = env
        self._shifts = shifts
        self._discipline = discipline
        self._batch = batch
        self._busy: dict[Technician, int] = {}  # how many of a shift are
        self._waiting: list[Waiting] = []  # by number
        self._n_orders = 0
        self._alarm: simpy.Event | None = None
        self._clock: dict[float, simpy.Event] = {}  # hour -> happens then

    def number(self) -> int:
        """The number of a new order, the last in the queue."""
        self._n_orders += 1
        return self._n_orders

    def call(self, number: int, order: Order) -> Sent | simpy.Event:
        """Ask for a technician: who sets out now, or what happens when one does, with a `Sent` as its value."""
        if not self._waiting and (technician := self._free()) is not None:
            return self._send(technician)
        waiting = self._queued(number, order)
        self._serve()
        return waiting

    def call_again(self, number: int, order: Order) -> simpy.Event:
        """The same for work that is handed over; of those that are at this instant, the discipline chooses among all."""
        waiting = self._queued(number, order)
        self._serve_later()
        return waiting

    def _queued(self, number: int, order: Order) -> simpy.Event:
        sent = self._env.event()
        insort(self._waiting, Waiting(number, order, sent))
        return sent

    def _send(self, technician: Technician) -> Sent:
        self._busy[technician] = self._busy.get(technician, 0) + 1
        return Sent(technician)

    def release(self, sent: Sent, done: Order | None) -> None:
        """A technician is free again, or goes home.

        Args:
            sent: who.
            done: the order that was done, None if it was handed over.
        """
        if done is None or done.alike is None or sent.n_before + 1 >= self._batch:
            self._discharge(sent.technician)
            if self._waiting:
                self._serve_later()
        else:
            self._later(partial(self._go_on, sent, done))

    def _go_on(self, sent: Sent, done: Order, _: simpy.Event) -> None:
        """Take the next order that is like the last one without a new way, unless the shift is over."""
        technician = sent.technician
        like = [one for one in self._waiting if one.order.alike == done.alike]
        if like and technician.off_h > self._env.now + EARLY_H:
            chosen = self._discipline(like)
            self._waiting.remove(chosen)
            chosen.sent.succeed(Sent(technician, sent.n_before + 1))
        else:
            self._discharge(technician)
            self._serve()

    def _discharge(self, technician: Technician) -> None:
        self._busy[technician] -= 1
        if not self._busy[technician]:
            del self._busy[technician]

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

    def _later(self, then: partial[None]) -> None:
        """Do something when all that happens at this instant has happened."""
        event = self._env.event()
        event.callbacks.append(then)
        event.succeed()

    def _serve_later(self) -> None:
        self._later(partial(self._serve))

    def _serve(self, _: simpy.Event | None = None) -> None:
        """Send whom there is to those who wait."""
        while self._waiting:
            technician = self._free()
            if technician is None:
                self._set_alarm()
                return
            chosen = self._discipline(self._waiting)
            self._waiting.remove(chosen)
            chosen.sent.succeed(self._send(technician))

    def _free(self) -> Technician | None:
        """Somebody on duty who is free, of those whose shift ends last; None if there is nobody."""
        best = None
        for number, shift in enumerate(self._shifts):
            off_h = shift.off_h(self._env.now)
            if off_h is None:
                continue
            one = Technician(number, off_h)
            # Whoever is still at work after the end of a shift is no member of the next.
            if self._busy.get(one, 0) < shift.count and (best is None or off_h > best.off_h):
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
