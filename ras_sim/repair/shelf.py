"""Spare parts of one class: what is on the shelf, on order, at the manufacturer, and who waits for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast

import simpy

from ras_sim.distributions import Distribution
from ras_sim.ledger import ResourceRow
from ras_sim.streams import child_key, uniform

Condition = Literal["sound", "dead", "returned", "faulty"]
"""Of a part that is taken: new and good, new and dead on arrival, back from the manufacturer good, or with its old fault."""


@dataclass(frozen=True, slots=True)
class Returns:
    """Units that were taken out and are sent to the manufacturer.

    Args:
        turn_round: until one in which no fault was found is back on the shelf.
        p_missed: probability that a true fault is not found, so that the unit comes back as bad as it was.
    """

    turn_round: Distribution
    p_missed: float


@dataclass(frozen=True, slots=True)
class ShelfRule:
    """How the parts of one class are kept.

    Args:
        stock: on the shelf at the start.
        lead_time: from an order to its arrival.
        reorder_point: as long as what is on the shelf and on order, less who waits, is at most this, more is ordered.
        order_quantity: parts of one order.
        p_doa: probability that a new part is dead on arrival.
        returns: what happens to units that were taken out; None: they are scrapped.
    """

    stock: int
    lead_time: Distribution
    reorder_point: int
    order_quantity: int
    p_doa: float
    returns: Returns | None


class Shelf:
    """The parts of one class in one replication.

    Args:
        env: the simulation.
        cls: the component class.
        rule: how they are kept.
        rows: the resources table of the ledger.
        key: of the draws of its lead times.
    """

    def __init__(
        self, env: simpy.Environment, cls: str, rule: ShelfRule, rows: list[ResourceRow], key: int
    ) -> None:
        self.rule = rule
        self._env = env
        self._cls = cls
        self._rows = rows
        self._key = key
        self._units: deque[Condition] = deque(["sound"] * rule.stock)
        self._waiting: deque[simpy.Event] = deque()
        self._n_on_order = 0
        self._n_orders = 0
        self._note("parts", rule.stock)

    def take(self, u_doa: float) -> Generator[simpy.Event, None, Condition]:
        """Wait for a part and take it, first come first served; u_doa in (0, 1) says whether a new one is dead."""
        taken = self._env.event()
        self._waiting.append(taken)
        self._reorder()
        self._serve()
        if not taken.triggered:
            self._note("parts_queue", 1)
            yield taken
            self._note("parts_queue", -1)
        self._note("parts", -1)
        condition = cast(Condition, taken.value)
        return "dead" if condition == "sound" and u_doa < self.rule.p_doa else condition

    def send_back(self, faulty: bool, key: int) -> None:
        """A unit was taken out. If no fault is found in it, it comes back; otherwise it is scrapped.

        Args:
            faulty: whether there is a fault in it.
            key: of its draws: whether that is missed (0), and the turn-round time (1).
        """
        returns = self.rule.returns
        if returns is None or (faulty and uniform(key, 0) >= returns.p_missed):
            return
        self._note("parts_returning", 1)
        back = self._env.timeout(returns.turn_round.draw(key, 1))
        back.callbacks.append(partial(self._come_back, faulty))

    def _come_back(self, faulty: bool, _: simpy.Event) -> None:
        self._note("parts_returning", -1)
        self._put(["faulty" if faulty else "returned"])

    def _reorder(self) -> None:
        """Order until the position (on the shelf, on order, less who waits) is above the reorder point."""
        rule = self.rule
        while len(self._units) + self._n_on_order - len(self._waiting) <= rule.reorder_point:
            delay_h = rule.lead_time.quantile(uniform(child_key(self._key, self._n_orders)))
            self._n_orders += 1
            self._n_on_order += rule.order_quantity
            self._env.timeout(delay_h).callbacks.append(self._arrive)

    def _arrive(self, _: simpy.Event) -> None:
        self._n_on_order -= self.rule.order_quantity
        self._put(["sound"] * self.rule.order_quantity)

    def _put(self, units: list[Condition]) -> None:
        self._note("parts", len(units))
        self._units.extend(units)
        # What else happens at this instant comes first.
        served = self._env.event()
        served.callbacks.append(self._serve)
        served.succeed()

    def _serve(self, _: simpy.Event | None = None) -> None:
        while self._units and self._waiting:
            self._waiting.popleft().succeed(self._units.popleft())

    def _note(self, what: str, change: int) -> None:
        self._rows.append(ResourceRow(self._env.now, f"{what}.{self._cls}", change))
