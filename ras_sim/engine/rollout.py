"""Nodes that come while the run goes on: installed, burnt in, and then at the job's service."""

from __future__ import annotations

from collections.abc import Callable

import simpy

from ras_sim.engine.impact import Impact
from ras_sim.faults.batches import Batch
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import INSTALLED, NO_INCIDENT, ResourceRow
from ras_sim.scenario.setup import Setup


def absent_nodes(setup: Setup) -> list[int]:
    """Nodes that cannot serve at the start."""
    return [node for batch in setup.fleet.batches if batch.serves_h > 0.0 for node in batch.nodes]


def job_begins_h(setup: Setup, impact: Impact) -> float:
    """When the last of the nodes that the job is given at the start can serve it."""
    late = [batch for batch in setup.fleet.batches if batch.serves_h > 0.0]
    return max((batch.serves_h for batch in late if impact.in_job(batch.nodes)), default=0.0)


def roll_out(
    env: simpy.Environment, setup: Setup, impact: Impact, job: TrainingJob, rows: list[ResourceRow]
) -> None:
    """Begin the job, now or when its nodes are there, and bring in each batch on its day."""
    begins_h = job_begins_h(setup, impact)
    if begins_h > 0.0:
        job.await_nodes()
        _at(env, begins_h, lambda: job.release(NO_INCIDENT))
    else:
        job.begin()
    late = [batch for batch in setup.fleet.batches if batch.joins_h > 0.0]
    if late:
        n_late = sum(batch.n_nodes for batch in late)
        rows.append(ResourceRow(0.0, INSTALLED, setup.n_installed_gpus - n_late * setup.gpus_per_node))
    for batch in setup.fleet.batches:
        _bring_in(env, setup, impact, rows, batch)


def _bring_in(
    env: simpy.Environment, setup: Setup, impact: Impact, rows: list[ResourceRow], batch: Batch
) -> None:
    def install() -> None:
        rows.append(ResourceRow(env.now, INSTALLED, batch.n_nodes * setup.gpus_per_node))

    if batch.joins_h > 0.0:
        _at(env, batch.joins_h, install)
    if batch.serves_h > 0.0:
        _at(env, batch.serves_h, lambda: impact.admit(batch.nodes))


def _at(env: simpy.Environment, at_h: float, then: Callable[[], None]) -> None:
    env.timeout(at_h).callbacks.append(lambda _: then())
