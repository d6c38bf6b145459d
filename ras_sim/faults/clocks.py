"""Clocks that parts age on. A clock that stands still postpones faults; it never redraws them.

An axis is a clock of the whole machine (calendar hours, or hours the job has been running). A part inside a node that
has left the axis (powered off, or not in the job) stops ageing: its faults keep their distance and come that much later.
Nothing is moved when a node leaves; a fault that comes up too early is pushed back to where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import NamedTuple

from ras_sim.ledger import new_row


class Due(NamedTuple):
    """A fault that will come when its part has aged enough.

    Args:
        at_h: where it is looked at on the axis.
        order: ties are taken in this order, the same on every run.
        accrued_h: the own clock of its node at which it comes.
        mode_id, instance: what fails.
        life: which life of the part this is: a fault of an earlier life is dropped. EXTRA for strikes and followers.
        origin: None of a fault that ends a life; else its key, or the root cause that comes back.
    """

    at_h: float
    order: int
    accrued_h: float
    mode_id: int
    instance: int
    life: int
    node: int | None
    origin: object | None


def first_dues(
    times_h: Iterable[float],
    orders: Iterable[int],
    mode_id: int,
    instances: Iterable[int],
    nodes: Iterable[int | None],
) -> list[Due]:
    """The faults that end the first lives of many parts of one class, made without a Python call for each."""
    rows = zip(
        times_h, orders, times_h, repeat(mode_id), instances, repeat(0), nodes, repeat(None), strict=False
    )
    return list(map(new_row, repeat(Due), rows))


EXTRA = -1
"""The life of faults that do not end a life: common-cause strikes, followers in a burst, returns."""


@dataclass(slots=True)
class Axis:
    """A queue of faults in the order of one clock.

    Args:
        queue: heap of what is due.
        shift_h: node -> how much later its own clock runs than the axis.
        left_at_h: node -> axis reading at which it left; absent while it ages.
        parked: node -> faults that came up while it was away.
    """

    queue: list[Due] = field(default_factory=list)
    shift_h: dict[int, float] = field(default_factory=dict)
    left_at_h: dict[int, float] = field(default_factory=dict)
    parked: dict[int, list[Due]] = field(default_factory=dict)

    def fill(self, faults: list[Due]) -> None:
        """Take the faults known at the start."""
        self.queue = faults
        heapify(self.queue)

    def accrued(self, node: int | None, reading_h: float) -> float:
        """The own clock of a node (of the axis itself for parts outside nodes) at an axis reading."""
        if node is None or not (self.shift_h or self.left_at_h):
            return reading_h
        return self.left_at_h.get(node, reading_h) - self.shift_h.get(node, 0.0)

    def push(
        self, accrued_h: float, order: int, mode_id: int, instance: int, life: int, node: int | None
    ) -> float:
        """Add the fault that ends a life when its node's own clock reads `accrued_h`; returns where on the axis."""
        at_h = accrued_h
        if node is not None and self.shift_h:
            at_h += self.shift_h.get(node, 0.0)
        heappush(self.queue, new_row(Due, (at_h, order, accrued_h, mode_id, instance, life, node, None)))
        return at_h

    def take(self, due: Due) -> None:
        """Add a fault of a known instant."""
        heappush(self.queue, due)

    def _postpone(self, due: Due) -> None:
        """Put back a fault whose node was away meanwhile."""
        shift_h = 0.0 if due.node is None else self.shift_h.get(due.node, 0.0)
        heappush(self.queue, new_row(Due, (due.accrued_h + shift_h, *due[1:])))

    def leave(self, node: int, reading_h: float) -> None:
        """The node stops ageing on this axis."""
        self.left_at_h.setdefault(node, reading_h)

    def join(self, node: int, reading_h: float) -> None:
        """The node ages again; what came up meanwhile is put back in the queue."""
        left_at_h = self.left_at_h.pop(node, None)
        if left_at_h is None:
            return
        self.shift_h[node] = self.shift_h.get(node, 0.0) + (reading_h - left_at_h)
        for due in self.parked.pop(node, ()):
            self._postpone(due)

    def pop_due(self, reading_h: float) -> Due | None:
        """The next fault that is truly due at this reading, or None."""
        queue = self.queue
        while queue and queue[0].at_h <= reading_h:
            due = heappop(queue)
            node = due.node
            if node is None or not (self.shift_h or self.left_at_h):
                return due
            if node in self.left_at_h:
                self.parked.setdefault(node, []).append(due)
            elif due.accrued_h + self.shift_h.get(node, 0.0) > due.at_h:
                self._postpone(due)
            else:
                return due
        return None
