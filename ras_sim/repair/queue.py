"""Work that waits for a technician, and the disciplines by which the next of it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import simpy

QueueName = Literal["first_come", "by_value"]


class Order(NamedTuple):
    """One try of a rung that needs a technician, as whoever sends technicians sees it.

    Args:
        incident_id, rung: what for.
        component_class: of the part that failed; it decides on the crew.
        mean_h: technician-hours that such a try is expected to take, > 0.
        gain: GPUs' worth of goodput that is gained while this is repaired, as things stand now, >= 0.
        alike: work with the same mark can be done without a way in between; None for work that is like no other.
    """

    incident_id: int
    rung: str
    component_class: str
    mean_h: float
    gain: Callable[[], float]
    alike: int | str | None = None


class Waiting(NamedTuple):
    """An order in the queue; those who wait are in the order of their numbers, of which each has its own.

    Args:
        number: of the order, as they were given; one that is handed over keeps it.
        order: what is to be done.
        sent: happens when somebody sets out.
    """

    number: int
    order: Order
    sent: simpy.Event


Discipline = Callable[[Sequence[Waiting]], Waiting]
"""Which of those who wait is next; they are given in the order of their numbers, at least one."""


def first_come(waiting: Sequence[Waiting]) -> Waiting:
    """The one that was asked for first."""
    return waiting[0]


def by_value(waiting: Sequence[Waiting]) -> Waiting:
    """The one with the most goodput gained per technician-hour; of equals, the one that was asked for first.

    The index gain / mean_h is the c-mu rule, optimal where a delay costs in proportion to its length (Cox & Smith,
    "Queues", 1961, ch. 3; docs/model.md, "Workshop").
    """
    return waiting[0] if len(waiting) == 1 else max(waiting, key=_value)  # max keeps the first of equals


def _value(waiting: Waiting) -> float:
    return waiting.order.gain() / waiting.order.mean_h


DISCIPLINES: Mapping[QueueName, Discipline] = {"first_come": first_come, "by_value": by_value}
"""Every discipline that a scenario may name."""
