"""`simulate`: the only maker of a simpy environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import simpy

from ras_sim.cluster import Cluster
from ras_sim.engine.accusations import Accusations
from ras_sim.engine.arrivals import Arrivals
from ras_sim.engine.corruption import Corruptions
from ras_sim.engine.countdown import Countdowns
from ras_sim.engine.double_handling import SecondRestarts
from ras_sim.engine.environment import Environment
from ras_sim.engine.false_alarms import FalseAlarms
from ras_sim.engine.giving_up import Patience
from ras_sim.engine.growth import Growth
from ras_sim.engine.incidents import Incidents
from ras_sim.engine.location import Location
from ras_sim.engine.planned import PlannedStops, keep_planned_stops, keep_preemptions
from ras_sim.engine.rollout import absent_nodes, roll_out
from ras_sim.engine.scene import Scene
from ras_sim.engine.services import Services
from ras_sim.engine.starts import Starts
from ras_sim.engine.surges import Surges
from ras_sim.engine.testing import Testing
from ras_sim.engine.waves import Waves
from ras_sim.faults.arrivals import n_benign
from ras_sim.faults.modes import FailureMode
from ras_sim.garbage import rare_garbage_collection
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import FaultRow, Ledger
from ras_sim.repair.diagnostics import Monitor, Watch
from ras_sim.repair.incident import Incident
from ras_sim.repair.workshop import ON_DUTY, Workshop
from ras_sim.scenario.setup import Setup, as_setup
from ras_sim.streams import base_key
from ras_sim.topology import BlastWalk
from ras_sim.topology.parts import group_of

if TYPE_CHECKING:
    from ras_sim.scenario.model import Scenario


def simulate(scenario: Scenario | Setup, *, seed: int, replication: int) -> Ledger:
    """One history of a scenario: a pure function of its arguments.

    Args:
        scenario: from `ras_sim.load`, or its setup, of which a worker loads less (`ras_sim.scenario.build.setup_of`).
        seed: any integer.
        replication: number of the history, >= 0.

    Returns:
        Everything that happened, as rows.
    """
    setup = as_setup(scenario)
    with rare_garbage_collection():
        # The pieces of a replication hold each other in circles: the rows leave them, and go when their ledger does.
        return Replication(setup, seed, replication).run().move()


def _empty_ledger(setup: Setup, seed: int, replication: int) -> Ledger:
    """The ledger of a replication, before it begins."""
    return Ledger(
        scenario=setup.name,
        seed=seed,
        replication=replication,
        horizon_h=setup.horizon_h,
        n_job_gpus=setup.job.n_gpus,
        n_installed_gpus=setup.n_installed_gpus,
        tariff=list(setup.tariff),
    )


def _cluster(env: simpy.Environment, setup: Setup, walk: BlastWalk, ledger: Ledger) -> Cluster:
    """The nodes, all of them sound."""
    return Cluster(
        setup.blueprint.n_nodes,
        setup.n_job_nodes,
        setup.n_spares,
        ledger.resources,
        partial(getattr, env, "now"),
        n_warm=0 if setup.warm is None else setup.warm.count,
        group=None if setup.spares_within is None else group_of(walk, setup.spares_within),
        absent=absent_nodes(setup),
    )


@lru_cache(maxsize=4)
def walk_of(setup: Setup) -> BlastWalk:
    """The topology of a scenario's machine: what one replication has found out about it, the next ones know."""
    return BlastWalk(setup.blueprint)


class Replication:
    """The pieces of one replication, put together.

    Args:
        setup: the scenario, built.
        seed, replication: the random history.
    """

    def __init__(self, setup: Setup, seed: int, replication: int) -> None:
        self._setup = setup
        self._seed, self._replication = seed, replication
        self._env = env = Environment()
        self._end = env.event()
        self._ledger = ledger = _empty_ledger(setup, seed, replication)
        walk = walk_of(setup)
        cluster = _cluster(env, setup, walk, ledger)
        workshop_key = base_key(seed, replication, "workshop")
        workshop = Workshop(env, setup.technicians, setup.shelves, ledger, workshop_key)
        self._arrivals = Arrivals(env, setup, walk, seed, replication, cluster.idle)
        self._job = job = TrainingJob(
            env, setup.job, ledger.job, self._job_runs, self._job_stops, self._finish
        )
        self._countdowns = Countdowns(env)
        self._corruptions = Corruptions(job, self._countdowns, Watch(setup.monitors), self._notice)
        self._incidents = incidents = Incidents(
            env,
            setup,
            walk,
            cluster,
            workshop,
            self._arrivals,
            job,
            ledger,
            base_key(seed, replication, "warm"),
            self._corruptions,
        )
        self._arrivals.strike = incidents.strikes.strike
        self._starts = Starts(env, setup, walk, cluster, self._arrivals, seed, replication)
        next_id = incidents.register.next_id
        self._stops = PlannedStops(env, job, ledger, next_id, incidents.planned_stop)
        self._services = Services(env, job, ledger, next_id)
        scene = Scene(env, setup, cluster, job, incidents, self._countdowns, seed, replication)
        self._accusations = Accusations(scene)
        self._testing = Testing(scene, self._accusations, self._stops)
        self._false_alarms = FalseAlarms(scene)
        self._set_rules(scene)
        self._when_it_runs = tuple(self._told_that_it_runs())
        self._when_it_stops = (self._countdowns.job_stops,) if self._counts_down else ()

    def _set_rules(self, scene: Scene) -> None:
        """What the scenario says of diagnosis, of other layers, and of the job, beside what always is."""
        setup, incidents = self._setup, self._incidents
        if setup.location is not None:
            incidents.settle = Location(scene, setup.location).settle
        if setup.double is not None:
            incidents.on_detected = SecondRestarts(scene, setup.double).notice
        if setup.gives_up is not None:
            self._job.may_start = Patience(scene, setup.gives_up).may_start
        if setup.elastic is not None:
            incidents.impact.on_growth = Growth(setup.elastic, scene.key("grow"), self._stops).stop

    def run(self) -> Ledger:
        """Simulate until the horizon, or until the job is done."""
        env, setup = self._env, self._setup
        self._begin_changes()
        self._arrivals.arm()
        self._accusations.begin()
        self._testing.begin()
        self._false_alarms.begin()
        roll_out(env, setup, self._incidents.impact, self._job, self._ledger.resources)
        env.timeout(setup.horizon_h).callbacks.append(self._reach_horizon)
        env.run(until=self._end)
        self._job.finish()
        self._ledger.horizon_h = env.now
        self._charge_duty()
        self._stops.close_books()
        self._services.close_books()
        self._incidents.close_books()
        self._count_faults()
        return self._ledger

    def _charge_duty(self) -> None:
        """Those on duty are paid until the run ends: their mean number in it, for as long as it took."""
        technicians, elapsed_h, tariff = self._setup.technicians, self._env.now, self._ledger.tariff
        if technicians is not None and elapsed_h > 0.0:
            mean = technicians.on_duty_h(elapsed_h) / elapsed_h
            tariff[:] = [
                row._replace(factor=row.factor * mean, basis="elapsed_h") if row.basis == ON_DUTY else row for row in tariff
            ]

    def _begin_changes(self) -> None:
        """Start what happens to the machine as a whole: outages, planned stops, changes in waves."""
        history = self._seed, self._replication
        self._services.begin(self._setup, *history)
        surges = Surges(self._env, self._setup, self._arrivals)
        keep_planned_stops(self._env, self._setup, self._stops, surges, *history)
        keep_preemptions(self._env, self._setup, self._stops, *history)
        impact = self._incidents.impact
        for wave in self._setup.waves:
            changes = Waves(self._env, self._setup, wave, impact, self._stops, self._arrivals, surges, *history)
            self._env.process(changes.run())

    def _notice(self, monitor: Monitor, defect: Incident, position_h: float, u: float) -> None:
        self._accusations.notice(monitor, defect, position_h, u)

    def _told_that_it_runs(self) -> Iterator[Callable[[], None]]:
        """Who hears that the job runs, in this order, but for its faults and its starts: those to whom it means something
        in this scenario."""
        setup = self._setup
        if self._counts_down:
            yield self._corruptions.job_runs
            yield self._countdowns.job_runs
        if setup.tests:
            yield self._testing.job_runs
        if setup.tests or setup.planned or setup.preemptions or setup.waves or setup.elastic is not None:
            yield self._stops.job_runs

    @property
    def _counts_down(self) -> bool:
        """Whether something may be due after so many hours of computing."""
        setup = self._setup
        barks = any(watchdog.false_per_h > 0.0 for watchdog in setup.watchdogs)
        return barks or bool(setup.monitors or setup.tests) or any(mode.corruption is not None for mode in setup.modes)

    def _job_stops(self) -> None:
        self._arrivals.job_stops()
        for tell in self._when_it_stops:
            tell()

    def _job_runs(self, anew: bool) -> None:
        self._arrivals.job_runs()
        for tell in self._when_it_runs:
            tell()
        if anew and self._starts.may_strike:
            self._starts.job_starts()
        if self._setup.elastic is not None:
            self._incidents.impact.job_runs()

    def _reach_horizon(self, _: simpy.Event) -> None:
        if not self._end.triggered:
            self._end.succeed()

    def _finish(self) -> None:
        """The job has done its work."""
        self._ledger.completed = True
        if not self._end.triggered:
            self._end.succeed()

    def _count_faults(self) -> None:
        """One row per failure mode; what had no effect and was not simulated is counted here."""
        strikes = self._incidents.strikes
        for mode in self._setup.modes:
            n_faults, benign = strikes.n_faults[mode.mode_id], strikes.n_benign[mode.mode_id]
            thinned = self._n_thinned(mode) if mode.benign_per_h > 0.0 else 0
            self._ledger.faults.append(
                FaultRow(mode.component_class, mode.name, n_faults + thinned, benign + thinned)
            )

    def _n_thinned(self, mode: FailureMode) -> int:
        """How many benign faults of a mode were not simulated."""
        n, hours = self._n_ageing(mode), self._arrivals.clock_hours(mode)
        more = self._setup.fleet.extra_part_hours(mode, self._env.now)
        return n_benign(mode, n, hours, self._seed, self._replication, more)

    def _n_ageing(self, mode: FailureMode) -> int:
        """How many parts a mode's clock runs for: on the job's clock, not those of nodes that do not serve it."""
        blueprint = self._setup.blueprint
        home, n = blueprint.homes.get(mode.component_class), blueprint.counts[mode.component_class]
        if mode.clock != "in_job" or home is None:
            return n
        return n - (blueprint.n_nodes - self._setup.n_job_nodes) * (home.per_node // home.every)
