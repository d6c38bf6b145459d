"""A synchronous training job as a state machine: it runs, is stopped, is held down by incidents, and comes up again.

It knows nothing of faults and repairs. Whoever stops it holds it, says in which stage it is (detect, diagnose, repair,
swap ...), and releases it; when nobody holds it any more it initialises, restores and runs on. Every hour goes to
one row of the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import simpy

from ras_sim.job.booking import book_running
from ras_sim.job.checkpoints import NODE_LOST, NOTHING_LOST, PROCESSES_LOST, Progress, Tier
from ras_sim.job.completion import Completion
from ras_sim.job.phases import PHASES, Limit, Phases
from ras_sim.job.spec import JobSpec
from ras_sim.job.taint import Taint
from ras_sim.job.waiting import Wait
from ras_sim.ledger import NO_INCIDENT, JobRow, new_row


class TrainingJob:
    """The job of one replication.

    Args:
        env: the simulation.
        spec: what it is.
        rows: the job table of the ledger.
        on_run, on_stop: called when it begins and ceases to compute; `on_run` is told whether it has started up.
        on_done: called when its work is complete.
    """

    def __init__(
        self,
        env: simpy.Environment,
        spec: JobSpec,
        rows: list[JobRow],
        on_run: Callable[[bool], None],
        on_stop: Callable[[], None],
        on_done: Callable[[], None],
    ) -> None:
        self._env = env
        self._spec = spec
        self._rows = rows
        self._on_run, self._on_stop, self._on_done = on_run, on_stop, on_done
        self._progress = Progress(spec.plan)
        self._state = "held"  # running, saving, held, initialise, restore, done
        self._category = "initialise"
        self._since_h = env.now
        self._cause = NO_INCIDENT  # of the time that passes now
        self._blame = NO_INCIDENT  # who made the job go back and start up: of lost work, initialise and restore
        self._holders: dict[int, str] = {}
        self._level = PROCESSES_LOST  # until it has come up, it must start up, whatever stops it
        self._everywhere = NOTHING_LOST  # the level that all of its nodes have lost
        self._taint = Taint()
        self._stopped_at_h = env.now
        self._speed, self._speed_cause = 1.0, NO_INCIDENT
        self._untested_frac = 1.0 - spec.tested_frac  # of an hour between saves: the rest are pauses for tests
        self._phases = Phases()
        self._wait = Wait(env, self._phases, lambda: self._pace()[0])
        work_h = spec.work_h
        self._completion = (
            None
            if work_h is None
            else Completion(env, self._progress, work_h, lambda: self.running, self._complete)
        )
        self._restore_from: Tier | None = None
        self._start_test: tuple[Callable[[], float], Callable[[], None]] | None = None
        self.may_start: Callable[[float, int], bool] | None = None  # asked before it comes back; who says no holds it
        self.before_restart: Callable[[], None] | None = None  # told when it is about to go back and start up

    def test_before_start(self, duration_h: Callable[[], float], at_end: Callable[[], None]) -> None:
        """From now on, tests precede each start: how long they take, and what is called at their end."""
        self._start_test = duration_h, at_end

    @property
    def running(self) -> bool:
        """Whether it computes now."""
        return self._state == "running"

    @property
    def must_restart(self) -> bool:
        """Whether it has to start up when nobody holds it any more."""
        return self._level > NOTHING_LOST

    @property
    def save_h(self) -> float:
        """Time of a save on demand."""
        return self._spec.save_h

    def begin(self) -> None:
        """Start up for the first time."""
        self._initialise(None)

    def await_nodes(self) -> None:
        """In place of `begin`: nodes of the job are yet to come; start up when NO_INCIDENT releases it."""
        self._holders[NO_INCIDENT] = self._category = "wait_capacity"

    def hold(self, holder: int, category: str, level: int, save_first: bool = False) -> str:
        """Stop the job, or keep it down, until `release`.

        Args:
            holder: incident id.
            category: stage the incident is in.
            level: how much state the incident destroys; NOTHING_LOST for a caught exception.
            save_first: the job can still save its work before it stops.

        Returns:
            The effect on the job: interrupted, drained, paused or extended.
        """
        effect = "extended"
        self._holders[holder] = category
        if level > NOTHING_LOST:
            if self._level == NOTHING_LOST:
                self._blame = holder
            self.lose(level)
        if self._state == "running":
            self._close()
            self._stopped_at_h = self._since_h
            self._on_stop()
            self._cause = self._blame = holder
            effect = "drained" if save_first else "paused" if level == NOTHING_LOST else "interrupted"
            self._enter("held", category)
            if save_first and self._spec.save_h > 0.0:
                self._enter("saving", "checkpoint_save")
                self._wait.begin(self._spec.save_h, self._saved)
            elif save_first:
                self._saved()
        elif self._state in ("initialise", "restore") or (self._state == "saving" and not save_first):
            self._close()
            self._cause = self._blame = holder
            self._enter("held", category)
        return effect

    def holds(self, holder: int) -> bool:
        """Whether this incident keeps the job down."""
        return holder in self._holders

    @property
    def holders(self) -> tuple[int, ...]:
        """The incidents that keep the job down, oldest first."""
        return tuple(self._holders)

    def mark(self, holder: int, category: str) -> None:
        """The incident has reached another stage."""
        if self._holders.get(holder, category) != category:
            self._holders[holder] = category
            if self._state == "held":
                self._show_front()

    def save_while_held(self) -> bool:
        """The job stands still and has lost nothing: save the work in hand; returns whether it can, and does."""
        if self._state != "held" or self._level != NOTHING_LOST or self._spec.save_h <= 0.0:
            return False
        self._close()
        self._enter("saving", "checkpoint_save")
        self._wait.begin(self._spec.save_h, self._saved)
        return True

    def lose(self, level: int) -> None:
        """State up to this level is lost in all nodes (a rung was tried, or a node was swapped out)."""
        if level > self._level:
            self._level = level
        if level > self._everywhere:
            self._everywhere = level

    def lose_in(self, level: int, nodes: Sequence[int], n_nodes: int) -> None:
        """The same of some of its nodes, which stand at these places of 0 .. n_nodes - 1."""
        self._level = max(self._level, level)
        self._progress.lose_in(level, nodes, n_nodes)

    def release(self, holder: int) -> None:
        """The incident needs the job no longer."""
        del self._holders[holder]
        if self._state != "held":
            return
        if self._holders:
            self._show_front()
        else:
            self._come_back()

    def _show_front(self) -> None:
        """Time while several hold the job is booked on the oldest of them."""
        holder, category = next(iter(self._holders.items()))
        if category != self._category or holder != self._cause:
            self._close()
            self._category, self._cause = category, holder

    def set_speed(self, speed: float, cause: int) -> None:
        """The slowest part sets the pace of all.

        Args:
            speed: relative, 0 < speed <= 1.
            cause: the incident to blame for what is lost.
        """
        if self._state == "running":
            self._close()
            self._progress.set_speed(speed * self._untested_frac)
            if self._completion is not None:
                self._completion.expect()
        self._speed, self._speed_cause = speed, cause

    def taint(self, incident: int) -> None:
        """From now on the work of the job is corrupt, until it goes back to before this point."""
        self._taint.begin(incident, self.mark_work())

    def corrupt(self, incident: int) -> float:
        """The work is corrupted once, now: it stays so until the job goes back to before this point.

        Returns:
            The work in hand, hours at full speed.
        """
        position_h = self.mark_work()
        self._taint.corrupt(incident, position_h)
        return position_h

    def is_tainted_by(self, incident: int) -> bool:
        """Whether work in hand was corrupted by this incident."""
        return self._taint.is_by(incident)

    def mark_work(self) -> float:
        """The work in hand, hours at full speed, now."""
        if self._state == "running":
            self._close()
        return self._progress.position_h

    def suspect(self, position_h: float) -> None:
        """The work from there on may be corrupt: go back to before it, at the next restart."""
        self._taint.suspect(position_h)

    def cleanse(self, incident: int) -> None:
        """The part that corrupts the work has left the job: what is done from now on is sound if its start was."""
        self._taint.cleanse(incident)

    def distrust(self, incident: int) -> bool:
        """The corruption was found: go back to a checkpoint from before it, at the next restart.

        Returns:
            Whether there is corrupt work in hand.
        """
        return self._taint.distrust(incident)

    def finish(self) -> None:
        """The horizon is reached: close the books; work that a stopped job could not have kept is lost."""
        if self._state != "done":
            self._close()
            if self._state != "running" and self._level != NOTHING_LOST:
                self._go_back()
        self._rows.extend(self._taint.rows(self._progress.position_h, self._env.now))

    def hamper(self, outage: int, limit: Limit) -> None:
        """A service that the job may need is out, or slow, until `relieve`."""
        self._change_pace(lambda: self._phases.limits.update({outage: limit}))
        if limit.saves_fail:
            self._progress.saves_fail(limit.tiers, self._env.now)

    def relieve(self, outage: int) -> None:
        """The service is back."""
        limit = self._phases.limits[outage]
        self._change_pace(lambda: self._phases.limits.pop(outage))
        if limit.saves_fail:
            self._progress.saves_work(limit.tiers, self._env.now)

    def _change_pace(self, change: Callable[[], object]) -> None:
        """What is waited for goes on at another speed; the time until now is booked at the old one."""
        if self._state in PHASES:
            self._close()
        self._wait.change_pace(change)

    def _pace(self) -> tuple[float, int]:
        """How quickly the present state goes on, and the outage to blame."""
        tier = self._spec.save_tier if self._state == "saving" else self._restore_from
        return self._phases.pace(self._state, "" if tier is None else tier.name)

    def _is_stuck(self, state: str, tier: Tier | None) -> bool:
        """Whether an outage lets nothing move in a state."""
        return self._phases.pace(state, "" if tier is None else tier.name)[0] == 0.0

    def _enter(self, state: str, category: str) -> None:
        """Be in another state, whatever was waited for in the one before."""
        self._state, self._category = state, category
        if self._wait.left_h is not None:
            self._wait.drop()

    def _saved(self) -> None:
        """The stop that saves first has saved."""
        self._close()
        self._progress.stop(self._stopped_at_h)
        self._progress.save_all(NODE_LOST)
        self._enter("held", self._category)
        if self._holders:
            self._show_front()
        else:
            self._come_back()

    def _come_back(self) -> None:
        """Nobody holds the job: resume where it stood, or go back to a checkpoint and start up."""
        self._close()
        self._cause = self._blame
        if self._level == NOTHING_LOST and self._taint.sound_before_h == math.inf:
            self._run()
        else:
            if self.before_restart is not None:
                self.before_restart()
            tier = self._go_back()
            if self.may_start is None or self.may_start(self._progress.position_h, self._blame):
                self._initialise(tier)
            else:
                self._show_front()

    def _go_back(self) -> Tier | None:
        """Lose the work since the last sound checkpoint that survives."""
        self._progress.stop(self._stopped_at_h)
        lost_h, tier = self._progress.roll_back(self._level, self._taint.sound_before_h, self._everywhere)
        if lost_h > 0.0:
            at_h = self._stopped_at_h
            self._rows.append(new_row(JobRow, (at_h, at_h, "productive", -lost_h, self._blame)))
            self._rows.append(new_row(JobRow, (at_h, at_h, "lost_work", lost_h, self._blame)))
        self._taint.went_back(self._progress.position_h)
        return tier

    def _initialise(self, tier: Tier | None) -> None:
        self._restore_from = tier
        if self._start_test is None:
            self._start_up()
        else:
            self._enter("initialise", "validate")
            self._wait.begin(self._start_test[0](), self._tested)

    def _tested(self) -> None:
        """The tests before the start are over; whoever was accused may hold the job now, or even have let it go again."""
        self._close()
        alarm = self._wait.alarm
        if self._start_test is not None:
            self._start_test[1]()
        if self._wait.alarm is alarm and self._state == "initialise":
            self._start_up()

    def _start_up(self) -> None:
        self._state = self._category = "initialise"
        if self._spec.start_up_h > 0.0 or self._is_stuck("initialise", self._restore_from):
            self._wait.begin(self._spec.start_up_h, self._restore)
        else:
            self._restore()

    def _restore(self) -> None:
        tier = self._restore_from
        if tier is None or (tier.restore_h <= 0.0 and not (self._phases.limits and self._is_stuck("restore", tier))):
            self._run_anew()
        else:
            self._close()
            self._state = self._category = "restore"
            self._wait.begin(tier.restore_h, self._run_anew)

    def _run_anew(self) -> None:
        self._close()
        self._level = self._everywhere = NOTHING_LOST
        self._progress.start(self._env.now, self._speed * self._untested_frac)
        self._compute(anew=True)

    def _run(self) -> None:
        """Go on after a pause in which nothing was lost."""
        self._progress.resume(self._env.now, self._speed * self._untested_frac)
        self._compute(anew=False)

    def _compute(self, anew: bool) -> None:
        self._state, self._category, self._cause = "running", "productive", NO_INCIDENT
        if self._completion is not None:
            self._completion.expect()
        self._on_run(anew)

    def _complete(self) -> None:
        self._close()
        self._enter("done", "done")
        self._on_stop()
        self._on_done()

    def _close(self) -> None:
        """Book the time since the last change."""
        start_h, now_h = self._since_h, self._env.now
        if now_h <= start_h:
            return
        self._since_h = now_h
        if self._state == "running":
            work_h, saving_h = self._progress.advance(now_h)
            tested, speed, cause = self._spec.tested_frac, self._speed, self._speed_cause
            book_running(self._rows, start_h, now_h, work_h, saving_h, tested, speed, cause)
        elif self._phases.limits:
            self._book_paced(start_h, now_h)
        else:
            self._rows.append(new_row(JobRow, (start_h, now_h, self._category, now_h - start_h, self._cause)))

    def _book_paced(self, start_h: float, end_h: float) -> None:
        """Book an interval in which the job did not compute, while services are out: what they took is theirs."""
        hours, category = end_h - start_h, self._category
        pace, outage = self._pace()
        if pace < 1.0:
            lost_h = (1.0 - pace) * hours
            self._rows.append(new_row(JobRow, (start_h, end_h, category, lost_h, outage)))
            hours -= lost_h
        self._rows.append(new_row(JobRow, (start_h, end_h, category, hours, self._cause)))
