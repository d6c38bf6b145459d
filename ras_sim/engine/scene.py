"""The scene: what those who look at the machine while it works, and act on what they see, have at hand."""

from __future__ import annotations

from typing import NamedTuple

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.countdown import Countdowns
from ras_sim.engine.incidents import Incidents
from ras_sim.job.training import TrainingJob
from ras_sim.scenario.setup import Setup
from ras_sim.streams import base_key


class Scene(NamedTuple):
    """One replication, as monitors, tests, watchdogs, diagnosis and other layers see it.

    Args:
        env: the simulation.
        setup: the scenario.
        cluster: who serves the job.
        job: the training job.
        incidents: what is wrong; what is done about it is an incident, too.
        countdowns: of the job's clock.
        seed, replication: the random history.
    """

    env: simpy.Environment
    setup: Setup
    cluster: Cluster
    job: TrainingJob
    incidents: Incidents
    countdowns: Countdowns
    seed: int
    replication: int

    def key(self, purpose: str, name: str = "") -> int:
        """Base key of the draws of one purpose."""
        return base_key(self.seed, self.replication, purpose, name)
