"""Outages of what the whole machine shares: they stop no job that runs, but one that wants to come back waits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import count

import simpy

from ras_sim.distributions import Distribution
from ras_sim.engine.course import Steps
from ras_sim.faults.shocks import shock_times
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.setup import Service, Setup
from ras_sim.streams import base_key, uniform
from ras_sim.topology.parts import MACHINE

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
        self._storms: list[tuple[Service, int]] = []  # those that follow others, with the base key of their draws
        self._n_storms: dict[str, int] = {}

    def begin(self, setup: Setup, seed: int, replication: int) -> None:
        """Start one process for each service that is out by itself; shocks are known beforehand."""
        for service in setup.services:
            key = base_key(seed, replication, "service", service.name)
            if service.every is None:
                self._storms.append((service, key))
            else:
                self._env.process(self._outages(service, service.every, key))
        for shock in setup.shocks:
            if any(shock.name in service.after for service, _ in self._storms):
                n = 1 if shock.strikes_under == MACHINE else setup.blueprint.counts[shock.strikes_under]
                for time_h, _ in shock_times(shock, n, setup.horizon_h, seed, replication):
                    self._env.timeout(time_h).callbacks.append(partial(self._followed, shock.name))

    def _outages(self, service: Service, every: Distribution, key: int) -> Steps:
        """Outage after outage."""
        for ordinal in count(step=2):
            yield self._env.timeout(every.quantile(uniform(key, ordinal)))
            yield from self._outage(service, uniform(key, ordinal + 1))
            self._followed(service.name)

    def _outage(self, service: Service, u: float) -> Steps:
        number = self._next_id()
        self._out[number] = outage_row(number, service, self._env.now)
        self._job.hamper(number, service.limit)
        yield self._env.timeout(service.lasts.quantile(u))
        self._job.relieve(number)
        row = self._out.pop(number)
        self._ledger.incidents.append(row._replace(closed_h=self._env.now, outcome="fixed"))

    def _followed(self, name: str, _: simpy.Event | None = None) -> None:
        """A shock has struck, or an outage is over: storms begin that follow it."""
        for service, key in self._storms:
            if name in service.after:
                ordinal = self._n_storms[service.name] = self._n_storms.get(service.name, -1) + 1
                self._env.process(self._outage(service, uniform(key, ordinal)))

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
