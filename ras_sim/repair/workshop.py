"""What a repair may have to wait for: technicians, and spare parts on the shelf."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import cast

import simpy

from ras_sim.distributions import Distribution
from ras_sim.ledger import Ledger, PartRow, ResourceRow, VisitRow, new_row
from ras_sim.repair.crew import Crew, Technician
from ras_sim.repair.roster import Shift
from ras_sim.streams import child_key, uniform


@dataclass(frozen=True, slots=True)
class Technicians:
    """People and their hours, and the time from being free to standing at the machine.

    Args:
        shifts: one group of people for each.
        travel: from being free to standing at the machine.
        hands_over: at the end of a shift work in hand goes to another one; else whoever began it ends it.
    """

    shifts: tuple[Shift, ...]
    travel: Distribution
    hands_over: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Spare parts of one class: how many, and the time until one that was taken is replaced."""

    stock: int
    lead_time: Distribution


@dataclass(slots=True, eq=False)
class Visit:
    """One technician who is called for one incident, sent, arrives, and leaves; NaN for what has not happened yet."""

    incident_id: int
    rung: str
    called_h: float
    sent_h: float = math.nan
    arrived_h: float = math.nan
    left_h: float = math.nan
    off_duty_h: float = math.nan

    def row(self) -> VisitRow:
        """The visit as a row of the ledger."""
        times = (self.called_h, self.sent_h, self.arrived_h, self.left_h, self.off_duty_h)
        return new_row(VisitRow, (self.incident_id, self.rung, *times))


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
        shelves: dict[str, Shelf],
        ledger: Ledger,
        key: int,
    ) -> None:
        self._env = env
        self._rows = rows = ledger.resources
        self._ledger = ledger
        self._under_way: dict[Visit, None] = {}
        self._lacking: list[PartRow] = []
        self._technicians = technicians
        self._crew = Crew(env, technicians.shifts) if technicians else None
        self._shelves = shelves
        self._stocks = {cls: simpy.Container(env, init=shelf.stock) for cls, shelf in shelves.items()}
        self._n_taken = dict.fromkeys(shelves, 0)
        # By name: no shelf moves another's draws.
        self._keys = {cls: child_key(key, *cls.encode()) for cls in shelves}
        if technicians:
            rows.append(ResourceRow(0.0, "technicians_busy", 0))
        rows.extend(ResourceRow(0.0, f"parts.{cls}", shelf.stock) for cls, shelf in shelves.items())

    # ------------------------------------------------------------------ people

    def attend(
        self, incident_id: int, rung: str, duration_h: float, travel_u: Callable[[int], float]
    ) -> Generator[simpy.Event, None, float]:
        """Work at the machine: wait for a technician, for the travel and for the work; with hand-over, until it is done.

        Args:
            incident_id, rung: what for.
            duration_h: hours of work.
            travel_u: number of the visit -> a draw in (0, 1) that sets its travel time.

        Returns:
            When somebody first stood at the machine.
        """
        if self._technicians is None or self._crew is None:
            return (yield from self._unlimited(Visit(incident_id, rung, self._env.now), duration_h))
        crew, hands_over = self._crew, self._technicians.hands_over
        order, left_h, first_h, n = crew.order(), duration_h, math.nan, 0
        while True:
            visit = Visit(incident_id, rung, self._env.now)
            technician = yield from self._sent(visit, crew.call_again(order) if n else crew.call(order))
            until_h = technician.off_h if hands_over else math.inf
            done = yield from self._spend(self._technicians.travel.quantile(travel_u(n)), until_h)
            if done:
                visit.arrived_h = self._env.now
                first_h = visit.arrived_h if math.isnan(first_h) else first_h
                done = yield from self._spend(left_h, until_h)
                left_h -= self._env.now - visit.arrived_h
            self._leave(visit)
            self._rows.append(ResourceRow(self._env.now, "technicians_busy", -1))
            crew.release(technician)
            if done:
                return first_h
            n += 1

    def _unlimited(self, visit: Visit, duration_h: float) -> Generator[simpy.Event, None, float]:
        """Somebody is there at once."""
        self._under_way[visit] = None
        visit.sent_h = visit.arrived_h = self._env.now
        yield from self._spend(duration_h)
        self._leave(visit)
        return visit.arrived_h

    def _sent(self, visit: Visit, sent: simpy.Event) -> Generator[simpy.Event, None, Technician]:
        """Wait until somebody sets out."""
        self._under_way[visit] = None
        self._rows.append(ResourceRow(self._env.now, "technician_queue", 1))
        yield sent
        self._rows.append(ResourceRow(self._env.now, "technician_queue", -1))
        self._rows.append(ResourceRow(self._env.now, "technicians_busy", 1))
        technician = cast(Technician, sent.value)
        visit.sent_h = self._env.now
        if technician.off_h < math.inf:
            visit.off_duty_h = technician.off_h
        return technician

    def _spend(self, span_h: float, until_h: float = math.inf) -> Generator[simpy.Event, None, bool]:
        """Let a time pass, but not beyond the end of a shift; returns whether all of it did."""
        if self._crew is not None and span_h > until_h - self._env.now:
            yield self._crew.at(until_h)
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
        self, incident_id: int, rung: str, component_class: str
    ) -> Generator[simpy.Event, None, None]:
        """Take a part, waiting for one if the shelf is empty.

        Args:
            incident_id, rung: what for.
            component_class: what is taken.
        """
        asked = PartRow(incident_id, rung, component_class, self._env.now, math.nan)
        if component_class in self._stocks:
            self._lacking.append(asked)
            yield from self._from_shelf(component_class)
            self._lacking.remove(asked)
        self._ledger.parts.append(asked._replace(taken_h=self._env.now))

    def _from_shelf(self, component_class: str) -> Generator[simpy.Event, None, None]:
        """A replacement of what is taken is ordered at once and arrives after the lead time."""
        stock = self._stocks[component_class]
        ordinal = self._n_taken[component_class]
        self._n_taken[component_class] += 1
        lead_time = self._shelves[component_class].lead_time
        delay_h = lead_time.quantile(uniform(child_key(self._keys[component_class], ordinal)))
        self._env.timeout(delay_h).callbacks.append(lambda _: self._restock(component_class))
        taken = stock.get(1)
        if not taken.triggered:
            self._rows.append(ResourceRow(self._env.now, f"parts_queue.{component_class}", 1))
            yield taken
            self._rows.append(ResourceRow(self._env.now, f"parts_queue.{component_class}", -1))
        self._rows.append(ResourceRow(self._env.now, f"parts.{component_class}", -1))

    def _restock(self, component_class: str) -> None:
        self._rows.append(ResourceRow(self._env.now, f"parts.{component_class}", 1))
        self._stocks[component_class].put(1)
