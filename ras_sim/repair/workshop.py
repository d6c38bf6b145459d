"""What a repair may have to wait for: technicians, and spare parts on the shelf; each visit and each part is a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import cast

import simpy

from ras_sim.distributions import Distribution
from ras_sim.errors import ModelError
from ras_sim.ledger import Ledger, PartRow, ResourceRow, VisitRow, new_row
from ras_sim.repair.crew import Crew, Sent
from ras_sim.repair.queue import DISCIPLINES, Order, QueueName
from ras_sim.repair.roster import Shift
from ras_sim.repair.shelf import Condition, Shelf, ShelfRule
from ras_sim.streams import child_key

ON_DUTY = "on_duty"
"""Basis of a tariff for those who are on duty, whatever they do; what it comes to is known when the run is over."""


@dataclass(frozen=True, slots=True)
class Technicians:
    """People, their skills and hours, and how they are sent.

    Args:
        crews: name of a crew -> its shifts; "" is the crew of what no other serves.
        serves: component class -> name of its crew; "" for those left out.
        travel: from being free to standing at the machine.
        hands_over: at the end of a shift work in hand goes to another one; else whoever began it ends it.
        queue: name of the discipline.
        batch: like orders done on one way, at most.
        batch_by: what makes orders alike: "class", or the component class that holds both parts; "" for nothing.
    """

    crews: Mapping[str, tuple[Shift, ...]]
    serves: Mapping[str, str]
    travel: Distribution
    hands_over: bool
    queue: QueueName
    batch: int
    batch_by: str

    def on_duty_h(self, until_h: float) -> float:
        """Hours on duty from the start of the run until an hour, of all of them together, on the calendar of the run."""
        return math.fsum(
            shift.count * shift.on_duty_h(until_h) for shifts in self.crews.values() for shift in shifts
        )


@dataclass(slots=True, eq=False)
class Visit:
    """One technician who is called for one incident, sent, arrives, and leaves; NaN for what has not happened yet."""

    incident_id: int
    rung: str
    crew: str
    called_h: float
    sent_h: float = math.nan
    arrived_h: float = math.nan
    left_h: float = math.nan
    off_duty_h: float = math.nan

    def row(self) -> VisitRow:
        """The visit as a row of the ledger."""
        times = (self.called_h, self.sent_h, self.arrived_h, self.left_h, self.off_duty_h)
        return new_row(VisitRow, (self.incident_id, self.rung, *times, self.crew))


class Workshop:
    """Technicians and parts of one replication; what is not limited costs no event.

    Args:
        env: the simulation.
        technicians: or None for as many as are needed.
        shelves: by component class; other classes never run out.
        ledger: where rows go.
        key: base key of its draws.
    """

    def __init__(
        self,
        env: simpy.Environment,
        technicians: Technicians | None,
        shelves: Mapping[str, ShelfRule],
        ledger: Ledger,
        key: int,
    ) -> None:
        self._env = env
        self._rows = rows = ledger.resources
        self._ledger = ledger
        self._under_way: dict[Visit, None] = {}
        self._lacking: dict[PartRow, None] = {}  # parts that are waited for
        self._technicians = technicians
        self._crews = {} if technicians is None else _crews(env, technicians)
        # Crew -> the resources of the ledger that tell how many wait for it, and how many of it are busy.
        self._levels = {
            name: tuple(f"{kind}.{name}" if name else kind for kind in ("technician_queue", "technicians_busy"))
            for name in self._crews
        }
        rows.extend(ResourceRow(0.0, busy, 0) for _, busy in self._levels.values())
        # Keys by name: no shelf moves another's draws.
        self._shelves = {
            cls: Shelf(env, cls, rule, rows, child_key(key, *cls.encode())) for cls, rule in shelves.items()
        }
        rows.extend(ResourceRow(0.0, queue, 0) for queue, _ in self._levels.values())

    # ------------------------------------------------------------------ people

    @property
    def n_waiting(self) -> int:
        """Orders for which nobody has set out yet."""
        return sum(math.isnan(visit.sent_h) for visit in self._under_way)

    def attend(
        self, order: Order, duration_h: float, travel_u: Callable[[int], float]
    ) -> Generator[simpy.Event, None, float]:
        """Work at the machine: wait for a technician, for the travel and for the work; with hand-over, until it is done.

        Args:
            order: what for.
            duration_h: hours of work.
            travel_u: number of the visit -> a draw in (0, 1) that sets its travel time.

        Returns:
            When somebody first stood at the machine.
        """
        technicians = self._technicians
        if technicians is None:
            raise ModelError("an order to technicians, who are not limited", self._env.now, f"incident:{order.incident_id}")
        name = technicians.serves.get(order.component_class, "")
        crew, travel = self._crews[name], technicians.travel
        number, left_h, first_h, n = crew.number(), duration_h, math.nan, 0
        while True:
            visit = self._called(order.incident_id, order.rung, name)
            call = (crew.call_again if n else crew.call)(number, order)
            sent = call if isinstance(call, Sent) else (yield from self._waited(visit, call))
            self._set_out(visit, sent)
            until_h = sent.technician.off_h if technicians.hands_over else math.inf
            done = sent.n_before > 0 or (yield from self._spend(travel.quantile(travel_u(n)), crew, until_h))
            if done:
                visit.arrived_h = self._env.now
                first_h = visit.arrived_h if math.isnan(first_h) else first_h
                done = yield from self._spend(left_h, crew, until_h)
                left_h -= self._env.now - visit.arrived_h
            self._leave(visit)
            self._rows.append(new_row(ResourceRow, (visit.left_h, self._levels[name][1], -1)))
            crew.release(sent, order if done else None)
            if done:
                return first_h
            n += 1

    def attend_at_once(self, incident_id: int, rung: str, duration_h: float) -> Generator[simpy.Event, None, float]:
        """The same where there are as many technicians as are needed: somebody is there at once."""
        visit = self._called(incident_id, rung, "")
        visit.sent_h = visit.arrived_h = visit.called_h
        if duration_h > 0.0:
            yield self._env.timeout(duration_h)
        self._leave(visit)
        return visit.arrived_h

    def _called(self, incident_id: int, rung: str, crew: str) -> Visit:
        """Somebody is called."""
        visit = Visit(incident_id, rung, crew, self._env.now)
        self._under_way[visit] = None
        return visit

    def _waited(self, visit: Visit, call: simpy.Event) -> Generator[simpy.Event, None, Sent]:
        """Nobody is free: wait until somebody sets out."""
        queue = self._levels[visit.crew][0]
        self._rows.append(new_row(ResourceRow, (visit.called_h, queue, 1)))
        yield call
        self._rows.append(new_row(ResourceRow, (self._env.now, queue, -1)))
        return cast(Sent, call.value)

    def _set_out(self, visit: Visit, sent: Sent) -> None:
        """Somebody sets out."""
        visit.sent_h = now_h = self._env.now
        self._rows.append(new_row(ResourceRow, (now_h, self._levels[visit.crew][1], 1)))
        if sent.technician.off_h < math.inf:
            visit.off_duty_h = sent.technician.off_h

    def _spend(self, span_h: float, crew: Crew, until_h: float) -> Generator[simpy.Event, None, bool]:
        """Let a time pass, but not beyond the end of a shift; returns whether all of it did."""
        if span_h > until_h - self._env.now:
            yield crew.at(until_h)
            return False
        if span_h > 0.0:
            yield self._env.timeout(span_h)
        return True

    def _leave(self, visit: Visit) -> None:
        """The technician is done here: the visit becomes a row of the ledger."""
        visit.left_h = self._env.now
        del self._under_way[visit]
        self._ledger.visits.append(visit.row())

    def close_books(self) -> None:
        """The run ends: visits under way, and what still waits for a technician or a part, become rows too."""
        self._ledger.visits.extend(visit.row() for visit in self._under_way)
        self._ledger.parts.extend(self._lacking)

    # ------------------------------------------------------------------ parts

    def take_part(
        self, incident_id: int, rung: str, component_class: str, u_doa: Callable[[], float]
    ) -> Generator[simpy.Event, None, bool]:
        """Take a part, waiting for one if the shelf is empty.

        Args:
            incident_id, rung: what for.
            component_class: what is taken.
            u_doa: returns a draw in (0, 1): whether a new part is dead on arrival.

        Returns:
            Whether it works.
        """
        asked_h, shelf = self._env.now, self._shelves.get(component_class)
        condition: Condition = "sound"
        if shelf is not None:
            lacking = PartRow(incident_id, rung, component_class, asked_h, math.nan, "")
            self._lacking[lacking] = None
            condition = yield from shelf.take(u_doa())
            del self._lacking[lacking]
        row = incident_id, rung, component_class, asked_h, self._env.now, condition
        self._ledger.parts.append(new_row(PartRow, row))
        return condition in ("sound", "returned")

    def shelf(self, component_class: str) -> Shelf | None:
        """Where units of a class are kept; None of a class that never runs out."""
        return self._shelves.get(component_class)

def _crews(env: simpy.Environment, technicians: Technicians) -> dict[str, Crew]:
    """The crews by name; one of which nobody is ever there is left out."""
    discipline = DISCIPLINES[technicians.queue]
    return {
        name: Crew(env, shifts, discipline, technicians.batch)
        for name, shifts in technicians.crews.items()
        if any(shift.count for shift in shifts)
    }
