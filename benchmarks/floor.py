"""The floor: what bare SimPy takes to fire as many events and to start as many processes as a replication did.

Counting and timing are separate runs: only a count wraps `schedule` and the pop from the queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import simpy
import simpy.core
from simpy.events import Initialize

from ras_sim.engine import environment

# A process costs two events beside those that it waits for, its start and its end; the tick that starts it is a third.
_EVENTS_OF_A_PROCESS = 3


@dataclass(slots=True)
class EventCount:
    """Events that fired, and processes that were started."""

    n_events: int = 0
    n_processes: int = 0


@contextmanager
def counted_events() -> Iterator[EventCount]:
    """Count what every environment, SimPy's own or ours, does inside the `with` block."""
    count = EventCount()
    schedule = simpy.Environment.schedule
    pop = heapq.heappop

    def counting_schedule(env: simpy.Environment, event: simpy.Event, *args: Any, **kwargs: Any) -> None:
        count.n_processes += isinstance(event, Initialize)
        schedule(env, event, *args, **kwargs)

    def counting_pop(queue: list[Any]) -> Any:
        first = pop(queue)
        count.n_events += 1  # not where the queue is found empty, which ends a run
        return first

    simpy.Environment.schedule = counting_schedule  # type: ignore[method-assign, assignment]
    for module in (simpy.core, environment):
        module.heappop = counting_pop  # type: ignore[attr-defined]
    try:
        yield count
    finally:
        simpy.Environment.schedule = schedule  # type: ignore[method-assign]
        for module in (simpy.core, environment):
            module.heappop = pop  # type: ignore[attr-defined]


def events_of(work: Callable[[], object]) -> EventCount:
    """What one call of `work` fires."""
    with counted_events() as count:
        work()
    return count


def fire(count: EventCount) -> None:
    """Fire that many events, at the least price at which simpy can.

    One process per tick of a clock is started, and the other events are timeouts that the processes wait for, shared
    out evenly. Without processes all events are timeouts of one loop. Nothing is drawn, recorded or decided. The loop
    itself adds a process of two events.
    """
    env = simpy.Environment()
    if count.n_processes == 0:
        env.process(_sleep(env, count.n_events))
    else:
        env.process(_start_all(env, count))
    env.run()


def _start_all(env: simpy.Environment, count: EventCount) -> Generator[simpy.Event, None, None]:
    waits = max(0, count.n_events - _EVENTS_OF_A_PROCESS * count.n_processes)
    each, more = divmod(waits, count.n_processes)
    for number in range(count.n_processes):
        yield env.timeout(1.0)
        env.process(_sleep(env, each + (number < more)))


def _sleep(env: simpy.Environment, n: int) -> Generator[simpy.Event, None, None]:
    for _ in range(n):
        yield env.timeout(1.0)
