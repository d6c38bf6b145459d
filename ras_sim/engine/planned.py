"""Planned stops of the job: the work is saved first, and nothing is repaired."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from ras_sim.engine.incidents import Incidents
from ras_sim.scenario.build import PlannedStop, Setup
from ras_sim.streams import base_key


def keep_planned_stops(
    env: simpy.Environment, setup: Setup, incidents: Incidents, seed: int, replication: int
) -> None:
    """Start one process for each kind of planned stop."""
    for stop in setup.planned:
        env.process(_stops(env, stop, incidents, base_key(seed, replication, "planned", stop.name)))


def _stops(
    env: simpy.Environment, stop: PlannedStop, incidents: Incidents, key: int
) -> Generator[simpy.Event, None, None]:
    """Stop after stop; one that falls into an outage waits until the job runs again."""
    ordinal = 0
    while True:
        yield env.timeout(stop.every.draw(key, ordinal))
        yield from incidents.planned_stop(stop.name, stop.duration.draw(key, ordinal + 1))
        ordinal += 2
