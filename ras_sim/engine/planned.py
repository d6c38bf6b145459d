"""Stops that somebody wants: planned ones, before which the job saves its work, and preemptions. Nothing is repaired."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from itertools import count

import simpy

from ras_sim.engine.course import Steps
from ras_sim.engine.surges import Surges
from ras_sim.job.checkpoints import NODE_LOST, PROCESSES_LOST
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.setup import PlannedStop, Preemption, Setup
from ras_sim.streams import base_key, child_key, uniform

PREEMPTED = "preempted"
"""Stands for the component class in rows of preemptions."""

_BAD = 1  # branch of a stop's key from which the draws about a bad change descend
_P, _FOUND, _ROLLBACK = 0, 1, 2


class PlannedStops:
    """The planned stops of one replication.

    Args:
        env: the simulation.
        job: what is stopped.
        ledger: where rows go.
        next_id: gives the number of the next incident.
        on_stop: called when a planned stop begins.
    """

    def __init__(
        self,
        env: simpy.Environment,
        job: TrainingJob,
        ledger: Ledger,
        next_id: Callable[[], int],
        on_stop: Callable[[], None],
    ) -> None:
        self._env = env
        self._on_stop = on_stop
        self._job = job
        self._ledger = ledger
        self._next_id = next_id
        self._waiting: list[simpy.Event] = []  # for the job to run
        self._begun: dict[int, IncidentRow] = {}

    def job_runs(self) -> None:
        """The job computes again: stops that waited for it may begin."""
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            event.succeed()

    def begin(
        self, name: str, urgent: bool = False, category: str = "planned", kind: str = "planned"
    ) -> Generator[simpy.Event, None, int]:
        """Stop the job as planned, and let it save first.

        Args:
            name: of the stop.
            urgent: it begins at once, even if the job is down; any other waits until the job runs.
            category: where its time is booked.
            kind: "planned", or "test" for a test.

        Returns:
            the number to end it with.
        """
        asked_h = self._env.now
        while not (self._job.running or urgent):
            event = self._env.event()
            self._waiting.append(event)
            yield event
        number = self._next_id()
        effect = self._job.hold(number, category, PROCESSES_LOST, save_first=True)
        row = planned_row(number, name, asked_h, self._env.now, effect)
        self._begun[number] = row if kind == "planned" else row._replace(component_class=kind)
        self._on_stop()
        return number

    def preempt(self, name: str, lasts_h: float, notice_h: float) -> Steps:
        """Others take the nodes `notice_h` from now; the job works on until it must save, if there is time for that."""
        asked_h, save_h = self._env.now, self._job.save_h
        saves = notice_h >= save_h
        if notice_h > 0.0:
            yield self._env.timeout(notice_h - save_h if saves else notice_h)
        number = self._next_id()
        effect = self._job.hold(number, "wait_capacity", NODE_LOST, save_first=saves)
        row = planned_row(number, name, asked_h, self._env.now, effect)
        self._begun[number] = row._replace(component_class=PREEMPTED)
        yield self._env.timeout(save_h + lasts_h if saves else lasts_h)
        self.end(number)

    def end(self, number: int) -> None:
        """Let the job start up again."""
        self._job.release(number)
        row = self._begun.pop(number)
        self._ledger.incidents.append(row._replace(closed_h=self._env.now, outcome="fixed"))

    def stop(self, name: str, duration_h: float, urgent: bool = False) -> Steps:
        """A stop from its request to its end."""
        number = yield from self.begin(name, urgent)
        yield self._env.timeout(self._job.save_h + duration_h)
        self.end(number)

    def close_books(self) -> None:
        """The run ends: stops that go on become rows, too."""
        self._ledger.incidents.extend(self._begun.values())


def keep_preemptions(
    env: simpy.Environment, setup: Setup, stops: PlannedStops, seed: int, replication: int
) -> None:
    """Start one process for each of those who take the nodes."""
    for taker in setup.preemptions:
        env.process(_preempt(env, taker, stops, base_key(seed, replication, "preempted", taker.name)))


def _preempt(env: simpy.Environment, taker: Preemption, stops: PlannedStops, key: int) -> Steps:
    for ordinal in count(step=2):
        yield env.timeout(taker.every.draw(key, ordinal))
        yield from stops.preempt(taker.name, taker.lasts.draw(key, ordinal + 1), taker.notice_h)


def keep_planned_stops(
    env: simpy.Environment, setup: Setup, stops: PlannedStops, surges: Surges, seed: int, replication: int
) -> None:
    """Start one process for each kind of planned stop."""
    for stop in setup.planned:
        key = base_key(seed, replication, "planned", stop.name)
        env.process(_stop_after_stop(env, stop, stops, surges, key))


def _stop_after_stop(
    env: simpy.Environment, stop: PlannedStop, stops: PlannedStops, surges: Surges, key: int
) -> Steps:
    """Stop after stop; one that falls into an outage waits until the job runs again."""
    ordinal = 0
    while True:
        yield env.timeout(stop.every.draw(key, ordinal))
        yield from stops.stop(stop.name, stop.duration.draw(key, ordinal + 1))
        if stop.bad is not None:
            about = child_key(key, _BAD, ordinal)
            if uniform(about, _P) < stop.bad.p:
                close = surges.raise_all(stop.bad, about)
                yield env.timeout(stop.bad.found_after.draw(about, _FOUND))
                rollback_h = stop.bad.rollback.draw(about, _ROLLBACK)
                yield from stops.stop(f"{stop.name}_rollback", rollback_h, urgent=True)
                close()
        ordinal += 2


def planned_row(number: int, name: str, asked_h: float, start_h: float, effect: str) -> IncidentRow:
    """The row of a planned stop that has begun."""
    return IncidentRow(
        incident_id=number,
        root_id=number,
        component_class="planned",
        mode=name,
        instance=-1,
        node=-1,
        symptom="planned",
        arrive_h=asked_h,
        detected_h=start_h,
        located_h=start_h,
        closed_h=math.nan,
        needs_rung="",
        final_rung="",
        n_attempts=0,
        outcome="open",
        job_effect=effect,
        n_nodes_hit=0,
        n_gpus_hit=0,
        speed=1.0,
        n_interruptions=int(effect in ("drained", "interrupted")),
    )
