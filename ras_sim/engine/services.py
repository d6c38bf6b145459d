"""Outages of what the whole machine shares: they stop no job that runs, but one that wants to come back waits."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import simpy

from ras_sim.engine.course import Steps
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.setup import Service
from ras_sim.streams import base_key, uniform

SERVICE = "service"
"""Stands for the component class in rows of outages."""


class Services:
    """The outages of one replication.

    Args:
        env: the simulation.
        job: what waits for the services.
        ledger: where rows go.
        next_id: gives the number of the next incident.
    """

    def __init__(
        self, env: simpy.Environment, job: TrainingJob, ledger: Ledger, next_id: Callable[[], int]
    ) -> None:
        self._env = env
        self._job = job
        self._ledger = ledger
        self._next_id = next_id
        self._out: dict[int, IncidentRow] = {}

    def begin(self, services: tuple[Service, ...], seed: int, replication: int) -> None:
        """Start one process for each service."""
        for service in services:
            key = base_key(seed, replication, "service", service.name)
            self._env.process(self._outages(service, key))

    def _outages(self, service: Service, key: int) -> Steps:
        """Outage after outage."""
        for ordinal in count(step=2):
            yield self._env.timeout(service.every.quantile(uniform(key, ordinal)))
            number = self._next_id()
            self._out[number] = outage_row(number, service, self._env.now)
            self._job.hamper(number, service.limit)
            yield self._env.timeout(service.lasts.quantile(uniform(key, ordinal + 1)))
            self._job.relieve(number)
            row = self._out.pop(number)
            self._ledger.incidents.append(row._replace(closed_h=self._env.now, outcome="fixed"))

    def close_books(self) -> None:
        """The run ends: outages that go on become rows, too."""
        self._ledger.incidents.extend(self._out.values())


def outage_row(number: int, service: Service, now_h: float) -> IncidentRow:
    """The row of an outage that has begun."""
    return IncidentRow(
        incident_id=number,
        root_id=number,
        component_class=SERVICE,
        mode=service.name,
        instance=0,
        node=-1,
        symptom="slow" if min(service.limit.left.values()) > 0.0 else "hang",
        arrive_h=now_h,
        detected_h=now_h,
        located_h=now_h,
        closed_h=math.nan,
        needs_rung="",
        final_rung="",
        n_attempts=0,
        outcome="open",
        job_effect="none",
        n_nodes_hit=0,
        n_gpus_hit=0,
        speed=1.0,
        n_interruptions=0,
    )
