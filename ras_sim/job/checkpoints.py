"""Checkpoints of a running job in closed form: no event per step and none per save.

Work is counted in hours at full speed. Every `interval` of work the job saves, which stops it for `blocking`; the save of
a tier can be used `valid_after` later. The intervals of all tiers are whole multiples of the shortest one, so after n
shortest intervals at speed s the job has spent (docs/model.md, "Checkpoints")

    T(n) = n * interval / s + sum over tiers of floor(n / multiple) * blocking.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ras_sim.job.peers import Losses, Placement
from ras_sim.job.retention import Kept, Retention


@dataclass(frozen=True, slots=True)
class Tier:
    """One place to keep checkpoints.

    Args:
        name: e.g. "memory", "remote".
        multiple: saves of the shortest interval between two saves of this tier, >= 1.
        blocking_h: time that a save stops the job.
        valid_after_h: from the end of blocking until it can be used.
        restore_h: time to load it.
        survives: highest level of loss that leaves it intact.
        keep: which of its checkpoints are kept, None for all of them.
        peers: where copies of what a node holds are, which survive the loss of that node; None: there are none.
    """

    name: str
    multiple: int
    blocking_h: float
    valid_after_h: float
    restore_h: float
    survives: int
    keep: Retention | None = None
    peers: Placement | None = None


NOTHING_LOST, PROCESSES_LOST, GPUS_LOST, MEMORY_LOST, NODE_LOST = range(5)
"""How much state a stop destroys: none (a caught exception), the processes, the GPUs' memory, the node's memory, or all
that is in the node. A checkpoint tier survives up to one of these levels."""

NEVER_H = 1e18
"""The interval of a job that never saves: far beyond any horizon, yet finite, so that 0 x interval is 0."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a job saves: the shortest interval of work between saves (NEVER_H without tiers), and the tiers."""

    interval_h: float
    tiers: tuple[Tier, ...]

    each_pause_h: float | None = field(
        init=False
    )  # how long every save stops the job, None where saves differ

    def __post_init__(self) -> None:
        differ = any(tier.multiple > 1 and tier.blocking_h > 0.0 for tier in self.tiers)
        object.__setattr__(
            self, "each_pause_h", None if differ else sum(tier.blocking_h for tier in self.tiers)
        )

    def pause_h(self, save: int) -> float:
        """How long save number `save` (1, 2, ...) stops the job."""
        return sum(tier.blocking_h for tier in self.tiers if save % tier.multiple == 0)

    def paused_h(self, after: int, upto: int) -> float:
        """How long the saves after number `after` up to number `upto` stop the job together."""
        if self.each_pause_h is not None:
            return (upto - after) * self.each_pause_h
        paused_h = 0.0
        for tier in self.tiers:
            paused_h += (upto // tier.multiple - after // tier.multiple) * tier.blocking_h
        return paused_h


Stretch = tuple[float, int, float, float, float]
"""Running at one speed from one instant, what is needed to say when a save ended: (the instant, saves begun, work since
the last one, what is left of its pause, speed). A plain tuple: each stop and each start makes one."""


class Progress:
    """How far a job has come, and which checkpoints it could go back to.

    `position_h` is the work in hand, in hours at full speed from the beginning of the job.
    """

    __slots__ = (
        "_base_h",
        "_failing",
        "_kept",
        "_losses",
        "_pause_left_h",
        "_plan",
        "_saves",
        "_since_save_h",
        "_speed",
        "_stretches",
        "_t_h",
    )

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._base_h = 0.0  # position at which this run of the job began
        self._saves = 0  # saves begun in this run
        self._since_save_h = 0.0  # work since the last save
        self._pause_left_h = 0.0  # of a save that has begun
        self._speed = 1.0
        self._t_h = 0.0
        self._stretches: list[Stretch] = []
        self._failing: list[tuple[frozenset[str], float, float]] = []  # tiers whose saves fail, from when to when
        self._kept = [(tier, Kept(plan.interval_h, tier.multiple, tier.keep)) for tier in plan.tiers]
        self._losses = {tier.name: Losses(tier.peers) for tier in plan.tiers if tier.peers is not None}

    @property
    def position_h(self) -> float:
        """Work in hand."""
        return self._base_h + self._saves * self._plan.interval_h + self._since_save_h

    def start(self, now_h: float, speed: float) -> None:
        """The job runs from here at a relative speed > 0."""
        self._t_h, self._speed = now_h, speed
        self._stretches = [(now_h, self._saves, self._since_save_h, self._pause_left_h, speed)]

    def resume(self, now_h: float, speed: float) -> None:
        """Go on after a pause in which nothing was lost."""
        self._t_h = now_h
        self._change_speed(speed)

    def set_speed(self, speed: float) -> None:
        """Go on at another speed from the instant of the last `advance`."""
        self._change_speed(speed)

    def _change_speed(self, speed: float) -> None:
        self._speed = speed
        self._stretches.append((self._t_h, self._saves, self._since_save_h, self._pause_left_h, speed))

    def advance(self, now_h: float) -> tuple[float, float]:
        """Run to `now_h`.

        Returns:
            (work done in hours at full speed, hours spent in saves), both >= 0.
        """
        dt, self._t_h = now_h - self._t_h, now_h
        if dt <= 0.0:
            return 0.0, 0.0
        saves, since_h, left_h = self._saves, self._since_save_h, dt
        if self._pause_left_h > 0.0:
            pause_h = min(dt, self._pause_left_h)
            self._pause_left_h -= pause_h
            left_h -= pause_h
        if left_h > 0.0:
            self._run(left_h)
        work_h = (self._saves - saves) * self._plan.interval_h + (self._since_save_h - since_h)
        saving_h = dt - work_h / self._speed
        return work_h, saving_h if saving_h > 0.0 else 0.0

    def _run(self, left_h: float) -> None:
        """Use up `left_h` hours that begin outside a save."""
        interval_h, speed = self._plan.interval_h, self._speed
        to_save_h = (interval_h - self._since_save_h) / speed
        if left_h < to_save_h:
            self._since_save_h += left_h * speed
            return
        # Measured from where the interval would have begun, the run has seen `left_h` of T(n) - T(saves).
        left_h += self._since_save_h / speed
        to_save_h, each_h = interval_h / speed, self._plan.each_pause_h
        if each_h is not None:
            more = int(left_h / (to_save_h + each_h))
            left_h -= more * interval_h / speed + more * each_h
        else:
            more = self._whole_intervals(left_h)
            left_h -= self._elapsed_h(self._saves + more)
        saves = self._saves + more
        since_h = left_h * speed if left_h > 0.0 else 0.0
        if left_h >= to_save_h:  # inside the pause of the next save
            saves, since_h = saves + 1, 0.0
            self._pause_left_h = max(0.0, self._plan.pause_h(saves) - (left_h - to_save_h))
        self._saves, self._since_save_h = saves, since_h

    def _elapsed_h(self, saves: int) -> float:
        """T(saves) - T(self._saves) at the present speed."""
        plan = self._plan
        return (saves - self._saves) * plan.interval_h / self._speed + plan.paused_h(self._saves, saves)

    def _whole_intervals(self, left_h: float) -> int:
        """Largest k with T(saves + k) - T(saves) <= left_h: a guess from the mean cycle, then small steps."""
        plan = self._plan
        cycle_h = plan.interval_h / self._speed + sum(tier.blocking_h / tier.multiple for tier in plan.tiers)
        k = int(left_h / cycle_h)
        while self._elapsed_h(self._saves + k) > left_h:
            k -= 1
        while self._elapsed_h(self._saves + k + 1) <= left_h:
            k += 1
        return k

    def least_time_to(self, position_h: float) -> float:
        """Hours at the present speed until the work in hand is `position_h`, if no save stops the job until then."""
        work_h = position_h - self.position_h
        return work_h / self._speed if work_h > 0.0 else 0.0

    def when(self, position_h: float) -> float:
        """The hour at which the work in hand will be `position_h`, at the present speed, with the saves until then."""
        work_h = position_h - self.position_h
        interval_h = self._plan.interval_h
        if work_h <= 0.0:
            return self._t_h
        # Saves that begin strictly before the last bit of work is done; the one at the very end is not needed.
        more = math.ceil((self._since_save_h + work_h) / interval_h - 1e-12) - 1
        paused_h = self._plan.paused_h(self._saves, self._saves + more) if more > 0 else 0.0
        return self._t_h + (self._pause_left_h + work_h / self._speed + paused_h)

    def _pause_end_h(self, save: int) -> float:
        """When the pause of a save of this run ended, or will end."""
        for start_h, saves, since_save_h, pause_left_h, speed in reversed(self._stretches):
            if save > saves:
                plan = self._plan
                begun_h = start_h + pause_left_h - since_save_h / speed
                return begun_h + (save - saves) * plan.interval_h / speed + plan.paused_h(saves, save)
            if save == saves and pause_left_h > 0.0:
                return start_h + pause_left_h
        return -math.inf

    def _last_valid(self, tier: Tier, now_h: float) -> int:
        """The last save of this run that tier can give back now; 0 if none."""
        save = self._saves - self._saves % tier.multiple
        if save == self._saves and self._pause_left_h > 0.0:
            save -= tier.multiple
        while save > 0 and (
            self._pause_end_h(save) + tier.valid_after_h > now_h or (self._failing and self._fails(tier, save))
        ):
            save -= tier.multiple
        return save if save > 0 else 0

    def saves_fail(self, tiers: frozenset[str], now_h: float) -> None:
        """From now on no save of these tiers comes to its end."""
        self._failing.append((tiers, now_h, math.inf))

    def saves_work(self, tiers: frozenset[str], now_h: float) -> None:
        """From now on saves of these tiers do so again."""
        place = next(k for k, (names, _, end_h) in enumerate(self._failing) if names == tiers and end_h == math.inf)
        self._failing[place] = (tiers, self._failing[place][1], now_h)

    def _fails(self, tier: Tier, save: int) -> bool:
        """Whether a save of this run was under way while saves failed."""
        end_h = self._pause_end_h(save)
        begin_h, end_h = end_h - tier.blocking_h, end_h + tier.valid_after_h
        return any(tier.name in names and begin_h < b and end_h > a for names, a, b in self._failing)

    def stop(self, now_h: float) -> None:
        """The job stops (after `advance`): what its tiers hold now is what it can go back to."""
        for tier, kept in self._kept:
            save = self._last_valid(tier, now_h)
            if save:
                kept.add(self._base_h, save)
        if self._failing:  # the saves of the next run come later
            self._failing = [one for one in self._failing if one[2] == math.inf]
        self._rebase(self._base_h + self._saves * self._plan.interval_h + self._since_save_h)

    def save_all(self, level: int) -> None:
        """Keep the work in hand on every tier that survives this level of loss (a stop that saves first)."""
        for tier, kept in self._kept:
            if tier.survives >= level:
                kept.add(self._base_h, 0)

    def lose_in(self, level: int, nodes: Sequence[int], n_nodes: int) -> None:
        """Some nodes of a job that stands still lose state: tiers that do not survive that lose what those nodes hold.

        Args:
            level: how much state they lose.
            nodes: their places in the job, of 0 .. n_nodes - 1.
            n_nodes: nodes of the job.
        """
        for tier, _ in self._kept:
            if tier.peers is not None and tier.survives < level and nodes:
                self._losses[tier.name].lose(nodes, n_nodes, self.position_h)

    def _drop_broken(self, tier: Tier, kept: Kept, everywhere: int, before_h: float) -> None:
        """Of a tier with copies, what has lost all holders of some part is gone, from the one that is wanted on."""
        losses, newest_h = self._losses[tier.name], kept.newest_h(before_h)
        if tier.survives < everywhere:
            kept.clear()
            losses.clear()
        elif newest_h is not None and (broken_to_h := losses.broken_to_h(newest_h)) > -math.inf:
            kept.forget_upto(broken_to_h)

    def roll_back(self, level: int, before_h: float, everywhere: int = PROCESSES_LOST) -> tuple[float, Tier | None]:
        """Go back to the last checkpoint that survives.

        Args:
            level: how much state was lost, NOTHING_LOST to NODE_LOST.
            before_h: only checkpoints of work up to here are sound (inf: all of them).
            everywhere: how much of it was lost in all nodes; only that, and `lose_in`, matters to tiers with copies.

        Returns:
            (work lost in hours at full speed, the tier to restore from; None: begin again from the start).
        """
        best_h, best = 0.0, None
        for tier, kept in self._kept:
            if tier.peers is not None:
                self._drop_broken(tier, kept, everywhere, before_h)
            elif tier.survives < level:
                kept.clear()
                continue
            position_h = kept.newest_h(before_h)
            if position_h is None:
                continue
            if (
                best is None
                or position_h > best_h
                or (position_h == best_h and tier.restore_h < best.restore_h)
            ):
                best_h, best = position_h, tier
        lost_h = self._base_h - best_h
        for _, kept in self._kept:
            kept.forget_after(best_h)
        for losses in self._losses.values():
            losses.went_back(best_h)
        self._rebase(best_h)
        return (lost_h if lost_h > 0.0 else 0.0), best

    def _rebase(self, position_h: float) -> None:
        self._base_h = position_h
        self._saves, self._since_save_h, self._pause_left_h = 0, 0.0, 0.0
