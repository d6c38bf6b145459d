"""The setup: what the engine computes with, plain frozen values.

`ras_sim.scenario.build` makes it from what a person wrote. It is apart from that, so that a process that only simulates
loads nothing of what reads and checks scenarios.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ras_sim.distributions import Distribution
from ras_sim.faults.batches import Fleet
from ras_sim.faults.modes import FailureMode
from ras_sim.faults.shocks import Shock
from ras_sim.job.elastic import ElasticRule
from ras_sim.job.parallelism import Layout
from ras_sim.job.phases import Limit
from ras_sim.job.spec import JobSpec
from ras_sim.ledger import TariffRow
from ras_sim.repair.detection import LocationRule, Watchdog
from ras_sim.repair.diagnostics import Accusation, Monitor, Test, Validation
from ras_sim.repair.habits import DoubleHandling, GivingUp
from ras_sim.repair.ladder import Ladder
from ras_sim.repair.policy import Policy
from ras_sim.repair.shelf import ShelfRule
from ras_sim.repair.workshop import Technicians
from ras_sim.topology import Blueprint

if TYPE_CHECKING:
    from ras_sim.scenario.model import Scenario


@dataclass(frozen=True, slots=True)
class BadChange:
    """A change that may be bad.

    Args:
        p: probability of that.
        mode_ids: failure modes that then come more often.
        factor: how many times as often, > 1.
        found_after: until it is found.
        rollback: length of the stop in which it is undone.
    """

    p: float
    mode_ids: tuple[int, ...]
    factor: float
    found_after: Distribution
    rollback: Distribution


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """A stop that is planned: how often, for how long, and what if the change that it brings is bad."""

    name: str
    every: Distribution
    duration: Distribution
    bad: BadChange | None


@dataclass(frozen=True, slots=True)
class Preemption:
    """Others take all nodes of the job: how often, for how long, and how long before that is said."""

    name: str
    every: Distribution
    lasts: Distribution
    notice_h: float


@dataclass(frozen=True, slots=True)
class Wave:
    """A change of all nodes, some of them at a time.

    Args:
        name: its name in the scenario.
        every: from the end of one change to the next.
        sizes: nodes of each wave, the last one repeated.
        duration: of one wave.
        gap: from the end of one wave to the next.
        p_bricks: probability of each node not to come up again.
        bricks: id of the failure mode that such a node suffers, or None.
        bad: what if the change is bad.
    """

    name: str
    every: Distribution
    sizes: tuple[int, ...]
    duration: Distribution
    gap: Distribution
    p_bricks: float
    bricks: int | None
    bad: BadChange | None


@dataclass(frozen=True, slots=True)
class Service:
    """A service: how often it is out, or after which shocks and services, for how long, and what that leaves to the job."""

    name: str
    every: Distribution | None
    after: frozenset[str]
    lasts: Distribution
    limit: Limit


@dataclass(frozen=True, slots=True)
class Warm:
    """Nodes behind the hot spares: how many, and the time until one is a hot spare."""

    count: int
    provision: Distribution


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """Everything a replication needs. Never changes; shared by all replications of a scenario; equal to itself only."""

    name: str
    horizon_h: float
    blueprint: Blueprint
    gpus_per_node: int
    n_job_nodes: int
    n_spares: int
    spares_within: str | None
    warm: Warm | None
    elastic: ElasticRule | None
    modes: tuple[FailureMode, ...]
    shocks: tuple[Shock, ...]
    fleet: Fleet
    ladder: Ladder
    policy: Policy
    validation: Validation | None
    comes_back: Distribution
    units: Mapping[str, str]
    technicians: Technicians | None
    shelves: Mapping[str, ShelfRule]
    job: JobSpec
    layout: Layout
    swap: Distribution
    planned: tuple[PlannedStop, ...]
    preemptions: tuple[Preemption, ...]
    waves: tuple[Wave, ...]
    services: tuple[Service, ...]
    detection: Mapping[str, Distribution]
    diagnose: Distribution
    watchdogs: tuple[Watchdog, ...]
    double: DoubleHandling | None
    gives_up: GivingUp | None
    location: LocationRule | None
    tariff: tuple[TariffRow, ...]
    monitors: tuple[Monitor, ...] = ()
    tests: tuple[Test, ...] = ()
    accusation: Accusation | None = None

    @property
    def n_installed_gpus(self) -> int:
        """GPUs of the whole machine."""
        return self.blueprint.n_nodes * self.gpus_per_node


def as_setup(given: Scenario | Setup) -> Setup:
    """The setup of a checked scenario, made once; a setup as it is."""
    if isinstance(given, Setup):
        return given
    # What reads and checks scenarios is loaded by now, or by this: who has a setup goes without.
    from ras_sim.scenario.build import setup_of

    return setup_of(given)
