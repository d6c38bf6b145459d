"""When faults strike: one alarm walks the queues of all clocks, and rings when the next fault is due."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import simpy

from ras_sim.engine.course import Course
from ras_sim.engine.seasons import SeasonalClock
from ras_sim.errors import ModelError
from ras_sim.faults.arrivals import defective_parts
from ras_sim.faults.batches import Batch, Fleet
from ras_sim.faults.clocks import EXTRA, Axis, Due, first_dues
from ras_sim.faults.lives import Lives
from ras_sim.faults.modes import FailureMode
from ras_sim.faults.shocks import Shock, strikes
from ras_sim.repair.policy import RootCause
from ras_sim.scenario.setup import Setup
from ras_sim.streams import base_key, child_key
from ras_sim.topology import BlastWalk
from ras_sim.topology.parts import MACHINE, contents_of, parts_below

_EARLY_H = (
    1e-9  # a fault on the job's clock may be taken this early: rounding must not make the alarm ring for ever
)
_FOLLOWER = 3  # branch of a fault's key from which the keys of its followers descend


@dataclass(slots=True)
class JobClock:
    """Hours that the job has been running: `hours` up to `since_h`, and on from there while it `runs`."""

    hours: float = 0.0
    since_h: float = 0.0
    runs: bool = False

    def start(self, now_h: float) -> None:
        self.since_h, self.runs = now_h, True

    def stop(self, now_h: float) -> None:
        if self.runs:
            self.hours += now_h - self.since_h
            self.runs = False

    def read(self, now_h: float) -> float:
        """The clock at `now_h`."""
        return self.hours + (now_h - self.since_h) if self.runs else self.hours


def _burning_until_h(mode: FailureMode, batch: Batch, accrued: float) -> float:
    """The hour at which the own clock of a part in burn-in, which is below 0, reads so."""
    if mode.season is None:
        return batch.serves_h + accrued
    return mode.season.when_h(mode.season.passed_h(batch.serves_h) + accrued)


def _nobody(due: Due) -> None:
    """Nobody takes faults yet: one that was lost would only make the machine look better."""
    raise ModelError("a fault strikes before anybody takes it", due.at_h, f"part:{due.instance}")


class Arrivals:
    """The faults of one replication, in the order in which they strike.

    Args:
        env: the simulation.
        setup: the scenario.
        walk: the machine's topology.
        seed, replication: the random history.
        idle: nodes that do not serve the job at the start.

    Attributes:
        job_clock: on which parts age that do so only while the job runs.
        lives: of the parts, by mode.
        strike: called with each fault that is due; returns what begins by it, if anything.
    """

    def __init__(
        self,
        env: simpy.Environment,
        setup: Setup,
        walk: BlastWalk,
        seed: int,
        replication: int,
        idle: Sequence[int],
    ) -> None:
        self._env = env
        self._setup = setup
        self._walk = walk
        self.strike: Callable[[Due], Course | None] = _nobody
        self._order = 0
        self._alarm_h = math.inf
        self._n_off: dict[int, int] = {}  # node -> repairs that keep it off
        self.job_clock = JobClock()
        self._calendar, self._powered, self._in_job = Axis(), Axis(), Axis()
        self._axes = {"calendar": self._calendar, "powered": self._powered, "in_job": self._in_job}
        self._ages_in_job = any(mode.clock == "in_job" for mode in setup.modes)
        powered = any(mode.clock == "powered" for mode in setup.modes)
        self._by_hour = (self._calendar, self._powered) if powered else (self._calendar,)
        idle = idle if self._ages_in_job else ()
        seasonal = {
            (mode.clock, mode.season): SeasonalClock(mode.clock, mode.season, idle)
            for mode in setup.modes
            if mode.season is not None
        }
        self._season_of = [
            None if mode.season is None else seasonal[mode.clock, mode.season] for mode in setup.modes
        ]
        self._seasons = tuple(seasonal.values())
        self._seasons_in_job = tuple(clock for clock in self._seasons if clock.clock == "in_job")
        self._seasons_powered = tuple(clock for clock in self._seasons if clock.clock == "powered")
        own = zip(setup.modes, self._season_of, strict=True)
        self._axis_of = [clock.axis if clock else self._axes[mode.clock] for mode, clock in own]
        self._horizons = [mode.passed_h(setup.horizon_h) for mode in setup.modes]
        keys = [base_key(seed, replication, "life", mode.component_class, mode.name) for mode in setup.modes]
        self._fleet: Fleet = setup.fleet
        origins = [partial(self._fleet.origin, mode) if self._fleet.batches else None for mode in setup.modes]
        self.lives = [Lives(*own) for own in zip(setup.modes, keys, origins, strict=True)]
        self._memoryless = [mode.memoryless for mode in setup.modes]
        self._renewable = [mode for mode in setup.modes if mode.lifetime is not None and not mode.memoryless]
        if self._ages_in_job:
            self._in_job.left_at_h = dict.fromkeys(idle, 0.0)
        self._fill(seed, replication)

    def _fill(self, seed: int, replication: int) -> None:
        """Draw what will fail for the first time, and the common-cause shocks."""
        axes = [*self._axes.values(), *(clock.axis for clock in self._seasons)]
        queues: dict[int, list[Due]] = {id(axis): [] for axis in axes}
        for mode in self._setup.modes:
            self._first(mode, queues, seed, replication)
            if mode.p_present > 0.0:
                queues[id(self._calendar)].extend(self._present(mode, seed, replication))
        for shock in self._setup.shocks:
            queues[id(self._calendar)].extend(self._strikes(shock, seed, replication))
        for axis in axes:
            axis.fill(queues[id(axis)])

    def _first(self, mode: FailureMode, queues: dict[int, list[Due]], seed: int, replication: int) -> None:
        n = self._setup.blueprint.counts[mode.component_class]
        drawn = self._fleet.first_failures(mode, n, self._setup.horizon_h, seed, replication)
        for batch, times_h, instances in drawn:
            nodes = self._walk.home_nodes(mode.component_class, instances)
            orders = range(self._order, self._order + len(times_h))
            self._order += len(times_h)
            dues = first_dues(times_h.tolist(), orders, mode.mode_id, instances.tolist(), nodes)
            n_early = 0 if batch is None else int(np.searchsorted(times_h, 0.0))
            if batch is not None and n_early:  # in burn-in, before the clock of the job counts for these parts
                queues[id(self._calendar)].extend(
                    due._replace(at_h=_burning_until_h(mode, batch, due.accrued_h)) for due in dues[:n_early]
                )
            queues[id(self._axis_of[mode.mode_id])].extend(dues[n_early:])

    def _present(self, mode: FailureMode, seed: int, replication: int) -> list[Due]:
        """The defects that are there when the run begins."""
        key = base_key(seed, replication, "present", mode.component_class, mode.name)
        n = self._setup.blueprint.counts[mode.component_class]
        parts = defective_parts(mode, n, seed, replication)
        return [self._extra(0.0, mode.mode_id, part, child_key(key, part)) for part in parts]

    def _strikes(self, shock: Shock, seed: int, replication: int) -> list[Due]:
        mode = self._setup.modes[shock.mode_id]
        counts = self._setup.blueprint.counts
        n = 1 if shock.strikes_under == MACHINE else counts[shock.strikes_under]
        below = parts_below(self._walk, shock.strikes_under, mode.component_class)
        struck = strikes(shock, n, below, self._setup.horizon_h, seed, replication)
        return [
            self._extra(at_h, shock.mode_id, part, key)
            for at_h, part, key in struck
            if self._fleet.installed(mode, part, at_h)
        ]

    def _extra(self, at_h: float, mode_id: int, instance: int, origin: RootCause | int) -> Due:
        """A fault that ends no life: a strike, a follower, a return."""
        self._order += 1
        return Due(at_h, self._order, at_h, mode_id, instance, EXTRA, None, origin)

    def installed(self, mode: FailureMode, instance: int) -> bool:
        """Whether a part is there yet."""
        return self._fleet.installed(mode, instance, self._env.now)

    def ages(self, mode: FailureMode, instance: int) -> bool:
        """Whether the clock of a part runs now."""
        axis, node = self._axis_of[mode.mode_id], self._walk.home_node(mode.component_class, instance)
        if not self.installed(mode, instance) or (mode.clock == "in_job" and not self.job_clock.runs):
            return False
        return node is None or node not in axis.left_at_h

    def strike_extra(self, faults: Iterable[tuple[FailureMode, int, int]]) -> None:
        """Faults (mode, part, key) strike now that end no life."""
        now_h = self._env.now
        begun = [self.strike(self._extra(now_h, mode.mode_id, part, key)) for mode, part, key in faults]
        for course in begun:
            if course is not None:
                course.go_on()

    def clock_hours(self, mode: FailureMode) -> float:
        """How far the clock of a mode has run, for parts that always age on it."""
        season, now_h = self._season_of[mode.mode_id], self._env.now
        if season is not None:
            return season.read(now_h)
        return self.job_clock.read(now_h) if mode.clock == "in_job" else now_h

    def own_clock(self, mode: FailureMode, instance: int, node: int | None) -> float:
        """The clock that a part in that node ages on, now."""
        now_h, axis, season = self._env.now, self._axis_of[mode.mode_id], self._season_of[mode.mode_id]
        if now_h < self._fleet.all_serve_h and mode.clock == "in_job":
            batch = self._fleet.of_part(mode, instance)
            if batch is not None and now_h < batch.serves_h:
                return mode.passed_h(now_h) - mode.passed_h(batch.serves_h)
        if season is not None:
            return axis.accrued(node, season.read(now_h))
        return axis.accrued(node, self.job_clock.read(now_h) if axis is self._in_job else now_h)

    def push_life(
        self, mode: FailureMode, instance: int, node: int | None, life: int, accrued_h: float
    ) -> None:
        """The part will fail when its own clock reads `accrued_h`."""
        if accrued_h > self._horizons[mode.mode_id]:
            return
        self._order += 1
        axis = self._axis_of[mode.mode_id]
        if accrued_h < 0.0:  # still in burn-in
            batch = self._fleet.of_part(mode, instance)
            at_h = 0.0 if batch is None else _burning_until_h(mode, batch, accrued_h)
            self._calendar.take(Due(at_h, self._order, accrued_h, mode.mode_id, instance, life, node, None))
            self._arm_at(at_h)
            return
        at_h = axis.push(accrued_h, self._order, mode.mode_id, instance, life, node)
        season = self._season_of[mode.mode_id]
        if season is not None:
            self._arm_at(season.when_h(at_h))
        elif axis is not self._in_job:
            self._arm_at(at_h)
        elif self.job_clock.runs:
            self._arm_in_job()

    def push_return(self, at_h: float, mode_id: int, instance: int, root: RootCause) -> None:
        """A fault that only seemed to be fixed comes back."""
        self._calendar.take(self._extra(at_h, mode_id, instance, root))
        self._arm_at(at_h)

    def push_followers(self, mode: FailureMode, instance: int, key: int) -> None:
        """The rest of the burst that begins with the fault of this key."""
        n, gaps_h = self.lives[mode.mode_id].n_followers(key)
        at_h = self._env.now
        for k in range(n):
            at_h += gaps_h[k]
            self._calendar.take(self._extra(at_h, mode.mode_id, instance, child_key(key, _FOLLOWER, k)))
            self._arm_at(at_h)

    def after_repair(
        self, mode: FailureMode, instance: int, node: int | None, root: RootCause, age_kept: float
    ) -> None:
        """The part lives on after the fault that ended its life, unless it was replaced meanwhile."""
        lives = self.lives[mode.mode_id]
        if root.life == EXTRA or lives.number(instance) != root.life:
            return
        now_h = self.own_clock(mode, instance, node)
        life, accrued_h = lives.after_repair(instance, root.failed_h, now_h, age_kept, root.key)
        self.push_life(mode, instance, node, life, accrued_h)

    def replace(self, unit: str, unit_id: int) -> None:
        """All parts of a replaceable unit are new; those of which new ones are alike live on."""
        batches = self._fleet.batches
        holder = self._walk.home_node(unit, unit_id) if batches else None
        batch = None if holder is None else self._fleet.of_node(holder)
        for mode in self._renewable:
            if holder is not None and self._fleet.is_usual(mode, batch):
                continue
            for part in contents_of(self._walk, unit, unit_id, mode.component_class):
                if batches and not (self.installed(mode, part) and self.is_renewed(mode, part)):
                    continue
                node = self._walk.home_node(mode.component_class, part)
                life, accrued_h = self.lives[mode.mode_id].replaced(part, self.own_clock(mode, part, node))
                self.push_life(mode, part, node, life, accrued_h)

    def is_renewed(self, mode: FailureMode, instance: int) -> bool:
        """Whether a part begins another life when its unit is replaced: unless a new one has the same future."""
        if self._memoryless[mode.mode_id]:
            return False
        if not (self._fleet.batches and mode.is_constant):
            return True
        return not self._fleet.is_usual(mode, self._fleet.of_part(mode, instance))

    def swap(self, leavers: list[int], newcomers: list[int]) -> None:
        """Nodes leave the job, others join it; if the job stands still, the alarm is set when it runs again."""
        reading_h, axis = self.job_clock.read(self._env.now), self._in_job
        for clock in self._seasons_in_job:
            clock.leave(leavers, self._env.now)
            clock.join(newcomers, self._env.now)
            self._arm_at(clock.due_h(self._alarm_h))
        if not self._ages_in_job:
            return
        for node in leavers:
            axis.leave(node, reading_h)
        for node in newcomers:
            axis.join(node, reading_h)
        if self.job_clock.runs:
            self._arm_in_job()

    def power_off(self, nodes: list[int]) -> list[int]:
        """Nodes cease to age on the powered clock, until each was switched on as often as it was switched off.

        Returns:
            those that are to be switched on again: nodes that are yet to come are not off.
        """
        nodes = self._fleet.there(nodes, self._env.now)
        for node in nodes:
            self._n_off[node] = self._n_off.get(node, 0) + 1
            self._powered.leave(node, self._env.now)
        for clock in self._seasons_powered:
            clock.leave(nodes, self._env.now)
        return nodes

    def power_on(self, nodes: list[int]) -> None:
        """Nodes age again on the powered clock."""
        for node in nodes:
            self._n_off[node] -= 1
        on = [node for node in nodes if not self._n_off[node]]
        for node in on:
            self._powered.join(node, self._env.now)
        for clock in self._seasons_powered:
            clock.join(on, self._env.now)
            self._arm_at(clock.due_h(self._alarm_h))
        if self._powered.queue:
            self._arm_at(self._powered.queue[0].at_h)

    def job_runs(self) -> None:
        """The job computes from now on."""
        self.job_clock.start(self._env.now)
        self._arm_in_job()
        for clock in self._seasons_in_job:
            clock.job_runs(self._env.now)
            self._arm_at(clock.due_h(self._alarm_h))

    def job_stops(self) -> None:
        """The job computes no more."""
        self.job_clock.stop(self._env.now)
        for clock in self._seasons_in_job:
            clock.job_stops(self._env.now)

    def arm(self) -> None:
        """Make sure that the alarm rings when the next fault is due."""
        next_h = math.inf
        for axis in self._by_hour:
            if axis.queue and axis.queue[0].at_h < next_h:
                next_h = axis.queue[0].at_h
        for clock in self._seasons:
            next_h = min(next_h, clock.due_h(next_h))
        if next_h < self._alarm_h:
            self._arm_at(next_h)
        if self.job_clock.runs:
            self._arm_in_job()

    def _arm_in_job(self) -> None:
        """The same for the clock of the job, which runs."""
        queue = self._in_job.queue
        if queue:
            clock = self.job_clock
            self._arm_at(clock.since_h + (queue[0].at_h - clock.hours))

    def _arm_at(self, at_h: float) -> None:
        if at_h < self._alarm_h:
            self._alarm_h = at_h
            delay_h = at_h - self._env.now
            self._env.timeout(delay_h if delay_h > 0.0 else 0.0).callbacks.append(self._ring)

    def _ring(self, _: simpy.Event) -> None:
        now_h = self._env.now
        if now_h < self._alarm_h - _EARLY_H:
            return  # an alarm that was overtaken
        self._alarm_h = math.inf
        begun: list[Course | None] = []
        strike = self.strike
        until_h = now_h + _EARLY_H
        for axis in self._by_hour:
            while axis.queue and axis.queue[0].at_h <= until_h and (due := axis.pop_due(until_h)) is not None:
                begun.append(strike(due))
        clock, axis = self.job_clock, self._in_job
        while clock.runs and (due := axis.pop_due(clock.read(now_h) + _EARLY_H)) is not None:
            begun.append(strike(due))
        for season in self._seasons:
            while season.runs and (due := season.axis.pop_due(season.read(now_h) + _EARLY_H)) is not None:
                begun.append(strike(due))
        self.arm()
        for course in begun:  # after the last strike: faults at one instant do not see each other half done
            if course is not None:
                course.go_on()
