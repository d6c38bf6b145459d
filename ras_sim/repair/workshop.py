"""What a repair may have to wait for: technicians, and spare parts on the shelf."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import simpy

from ras_sim.distributions import Distribution
from ras_sim.ledger import ResourceRow
from ras_sim.streams import child_key, uniform


@dataclass(frozen=True, slots=True)
class Technicians:
    """People: how many, and the time from being free to standing at the machine."""

    count: int
    travel: Distribution


@dataclass(frozen=True, slots=True)
class Shelf:
    """Spare parts of one class: how many, and the time until one that was taken is replaced."""

    stock: int
    lead_time: Distribution


class Workshop:
    """Technicians and parts of one replication; what is not limited costs no event.

    Args:
        env: the simulation.
        technicians: or None for as many as are needed.
        shelves: by component class; other classes never run out.
        rows: the resources table of the ledger.
        key: base key of its draws.
    """

    def __init__(
        self,
        env: simpy.Environment,
        technicians: Technicians | None,
        shelves: dict[str, Shelf],
        rows: list[ResourceRow],
        key: int,
    ) -> None:
        self._env = env
        self._rows = rows
        self._technicians = technicians
        self._crew = simpy.Resource(env, technicians.count) if technicians else None
        self._shelves = shelves
        self._stocks = {cls: simpy.Container(env, init=shelf.stock) for cls, shelf in shelves.items()}
        self._n_taken = dict.fromkeys(shelves, 0)
        self._keys = {cls: child_key(key, *cls.encode()) for cls in shelves}  # by name: no shelf moves another's draws
        if technicians:
            rows.append(ResourceRow(0.0, "technicians_busy", 0))
        rows.extend(ResourceRow(0.0, f"parts.{cls}", shelf.stock) for cls, shelf in shelves.items())

    @property
    def has_technicians(self) -> bool:
        """Whether technicians are limited."""
        return self._crew is not None

    def call_technician(self, u: float) -> Generator[simpy.Event, None, simpy.resources.resource.Request]:
        """Wait for a free technician and for the travel; u in (0, 1) sets the travel time.

        Returns:
            The request, to be given back with `send_home`.
        """
        assert_crew = self._crew
        if assert_crew is None or self._technicians is None:
            raise RuntimeError("technicians are not limited in this scenario")
        self._rows.append(ResourceRow(self._env.now, "technician_queue", 1))
        request = assert_crew.request()
        yield request
        self._rows.append(ResourceRow(self._env.now, "technician_queue", -1))
        self._rows.append(ResourceRow(self._env.now, "technicians_busy", 1))
        travel_h = self._technicians.travel.quantile(u)
        if travel_h > 0.0:
            yield self._env.timeout(travel_h)
        return request

    def send_home(self, request: simpy.resources.resource.Request) -> None:
        """The technician is free again."""
        self._rows.append(ResourceRow(self._env.now, "technicians_busy", -1))
        request.resource.release(request)

    def stocks(self, component_class: str) -> bool:
        """Whether parts of this class are limited."""
        return component_class in self._stocks

    def take_part(self, component_class: str) -> Generator[simpy.Event, None, None]:
        """Wait for a part and take it; its replacement is ordered at once and arrives after the lead time."""
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
