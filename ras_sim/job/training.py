"""A synchronous training job as a state machine: it runs, is stopped, is held down by incidents, and comes up again.

It knows nothing of faults and repairs. Whoever stops it holds it, says in which stage it is (detect, diagnose, repair,
swap ...), and releases it; when nobody holds it any more it initialises, restores and runs on. Every hour goes to
one row of the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import simpy

from ras_sim.job.checkpoints import NODE_LOST, NOTHING_LOST, PROCESSES_LOST, Progress, Tier
from ras_sim.job.phases import PHASES, Limit, Phases
from ras_sim.job.spec import JobSpec
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
        self._sound_before_h = math.inf
        self._tainted_at_h: dict[int, float] = {}  # incident -> work in hand from which on it is corrupt
        self._corrupting: set[int] = set()  # incidents whose part is in the job
        self._stopped_at_h = env.now
        self._speed, self._speed_cause = 1.0, NO_INCIDENT
        self._alarm: simpy.Event | None = None  # the one that counts; older ones are ignored when they ring
        self._done_h = self._done_alarm_h = math.inf  # when the work will be done, and when that is looked at
        self._done_alarm: simpy.Event | None = None
        self._phases = Phases()
        self._left_h: float | None = None  # of the delay that is waited for, at the usual speed
        self._paced_h = env.now  # as of when
        self._then: Callable[[], None] = self._run_anew
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
        if level > self._level:
            if self._level == NOTHING_LOST:
                self._blame = holder
            self._level = level
        if self._state == "running":
            self._close()
            self._stopped_at_h = self._env.now
            self._on_stop()
            self._cause = self._blame = holder
            effect = "drained" if save_first else "paused" if level == NOTHING_LOST else "interrupted"
            self._enter("held", category)
            if save_first and self._spec.save_h > 0.0:
                self._enter("saving", "checkpoint_save")
                self._after(self._spec.save_h, self._saved)
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
        if self._holders.get(holder, category) == category:
            return
        self._holders[holder] = category
        if self._state == "held":
            self._show_front()

    def save_while_held(self) -> bool:
        """The job stands still and has lost nothing: save the work in hand; returns whether it can, and does."""
        if self._state != "held" or self._level != NOTHING_LOST or self._spec.save_h <= 0.0:
            return False
        self._close()
        self._enter("saving", "checkpoint_save")
        self._after(self._spec.save_h, self._saved)
        return True

    def lose(self, level: int) -> None:
        """State up to this level is lost (a rung was tried, or a node was swapped out)."""
        if level > self._level:
            self._level = level

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
            self._progress.set_speed(self._between_tests(speed))
        self._speed, self._speed_cause = speed, cause
        if self._state == "running":
            self._arm_completion()

    def _between_tests(self, speed: float) -> float:
        """Work in an hour between saves: at relative speed s, less the pauses for tests, s (1 - tested share)."""
        return speed * (1.0 - self._spec.tested_frac)

    def taint(self, incident: int) -> None:
        """From now on the work of the job is corrupt, until it goes back to before this point."""
        if self._state == "running":
            self._close()
        self._tainted_at_h.setdefault(incident, self._progress.position_h)
        self._corrupting.add(incident)

    def corrupt(self, incident: int) -> float:
        """The work is corrupted once, now: it stays so until the job goes back to before this point.

        Returns:
            The work in hand, hours at full speed.
        """
        if self._state == "running":
            self._close()
        position_h = self._progress.position_h
        self._tainted_at_h.setdefault(incident, position_h)
        return position_h

    def is_tainted_by(self, incident: int) -> bool:
        """Whether work in hand was corrupted by this incident."""
        return incident in self._tainted_at_h

    def mark_work(self) -> float:
        """The work in hand, hours at full speed, now."""
        if self._state == "running":
            self._close()
        return self._progress.position_h

    def suspect(self, position_h: float) -> None:
        """The work from there on may be corrupt: go back to before it, at the next restart."""
        self._sound_before_h = min(self._sound_before_h, position_h)

    def cleanse(self, incident: int) -> None:
        """The part that corrupts the work has left the job: what is done from now on is sound if its start was."""
        self._corrupting.discard(incident)

    def distrust(self, incident: int) -> bool:
        """The corruption was found: go back to a checkpoint from before it, at the next restart.

        Returns:
            Whether there is corrupt work in hand.
        """
        self._corrupting.discard(incident)
        position_h = self._tainted_at_h.pop(incident, math.inf)
        self._sound_before_h = min(self._sound_before_h, position_h)
        return position_h < math.inf

    def finish(self) -> None:
        """The horizon is reached: close the books; work that a stopped job could not have kept is lost."""
        if self._state != "done":
            self._close()
            if self._state != "running" and self._level != NOTHING_LOST:
                self._go_back()
        self._book_taint()

    def _book_taint(self) -> None:
        """Work in hand that is corrupt, and of which nobody knows, moves from productive to tainted."""
        if not self._tainted_at_h:
            return
        culprit = min(self._tainted_at_h, key=self._tainted_at_h.__getitem__)
        tainted_h = self._progress.position_h - self._tainted_at_h[culprit]
        if tainted_h > 0.0:
            at_h = self._env.now
            self._rows.append(new_row(JobRow, (at_h, at_h, "productive", -tainted_h, culprit)))
            self._rows.append(new_row(JobRow, (at_h, at_h, "tainted", tainted_h, culprit)))

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
        if self._left_h is not None:
            self._left_h = max(0.0, self._left_h - (self._env.now - self._paced_h) * self._pace()[0])
        change()
        if self._left_h is not None:
            self._set_alarm(self._left_h)

    def _pace(self) -> tuple[float, int]:
        """How quickly the present state goes on, and the outage to blame."""
        tier = self._spec.save_tier if self._state == "saving" else self._restore_from
        return self._phases.pace(self._state, "" if tier is None else tier.name)

    def _enter(self, state: str, category: str) -> None:
        self._state, self._category, self._alarm, self._left_h = state, category, None, None

    def _after(self, delay_h: float, then: Callable[[], None]) -> None:
        """Call `then` after a delay unless the state changes first."""
        self._then = then
        self._set_alarm(delay_h)

    def _set_alarm(self, left_h: float) -> None:
        """Ring when the delay is over at the present pace; never while nothing moves."""
        self._left_h, self._paced_h, self._alarm = left_h, self._env.now, None
        if self._phases.limits:
            pace, _ = self._pace()
            if pace == 0.0:
                return
            left_h /= pace
        self._alarm = alarm = self._env.timeout(left_h)
        alarm.callbacks.append(self._ring)

    def _ring(self, alarm: simpy.Event) -> None:
        if alarm is self._alarm:  # otherwise the state has changed since it was set
            self._then()

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
        if self._level == NOTHING_LOST and self._sound_before_h == math.inf:
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
        lost_h, tier = self._progress.roll_back(self._level, self._sound_before_h)
        if lost_h > 0.0:
            at_h = self._stopped_at_h
            self._rows.append(new_row(JobRow, (at_h, at_h, "productive", -lost_h, self._blame)))
            self._rows.append(new_row(JobRow, (at_h, at_h, "lost_work", lost_h, self._blame)))
        if self._tainted_at_h:
            position_h = self._progress.position_h
            self._tainted_at_h = {
                who: min(at_h, position_h)
                for who, at_h in self._tainted_at_h.items()
                if at_h < position_h or who in self._corrupting
            }
        self._sound_before_h = math.inf
        return tier

    def _initialise(self, tier: Tier | None) -> None:
        self._restore_from = tier
        if self._start_test is None:
            self._start_up()
        else:
            self._enter("initialise", "validate")
            self._after(self._start_test[0](), self._tested)

    def _tested(self) -> None:
        """The tests before the start are over; whoever was accused may hold the job now, or even have let it go again."""
        self._close()
        alarm = self._alarm
        if self._start_test is not None:
            self._start_test[1]()
        if self._alarm is alarm and self._state == "initialise":
            self._start_up()

    def _start_up(self) -> None:
        self._enter("initialise", "initialise")
        if self._spec.start_up_h > 0.0 or (self._phases.limits and self._pace()[0] == 0.0):
            self._after(self._spec.start_up_h, self._restore)
        else:
            self._restore()

    def _restore(self) -> None:
        tier = self._restore_from
        if tier is not None and (tier.restore_h > 0.0 or self._phases.pace("restore", tier.name)[0] == 0.0):
            self._close()
            self._enter("restore", "restore")
            self._after(tier.restore_h, self._run_anew)
        else:
            self._run_anew()

    def _run_anew(self) -> None:
        self._close()
        self._level = NOTHING_LOST
        self._progress.start(self._env.now, self._between_tests(self._speed))
        self._compute(anew=True)

    def _run(self) -> None:
        """Go on after a pause in which nothing was lost."""
        self._progress.resume(self._env.now, self._between_tests(self._speed))
        self._compute(anew=False)

    def _compute(self, anew: bool) -> None:
        self._enter("running", "productive")
        self._cause = NO_INCIDENT
        self._arm_completion()
        self._on_run(anew)

    def _arm_completion(self) -> None:
        """Be called when the work is done, if nothing happens before.

        A stop only puts that off, so an alarm from before it stays, and is set again when it rings too early.
        """
        if self._spec.work_h is not None:
            self._done_h = self._env.now + self._progress.time_to(self._spec.work_h)
            if self._done_h < self._done_alarm_h:
                self._set_done_alarm()

    def _set_done_alarm(self) -> None:
        """Ring when the work will be done, or the last bit of a float before: then the rest is exact."""
        self._done_alarm_h = self._done_h
        delay_h = math.nextafter(self._done_h - self._env.now, 0.0)
        self._done_alarm = alarm = self._env.timeout(delay_h)
        alarm.callbacks.append(self._ring_done)

    def _ring_done(self, alarm: simpy.Event) -> None:
        if alarm is not self._done_alarm:
            return  # it was overtaken
        self._done_alarm_h = math.inf
        if self._state == "running":
            if self._env.now < self._done_h:
                self._set_done_alarm()
            else:
                self._complete()

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
            self._book_running(start_h, now_h)
        else:
            hours = now_h - start_h
            if self._phases.limits:
                pace, outage = self._pace()
                if pace < 1.0:
                    lost_h = (1.0 - pace) * hours
                    self._rows.append(new_row(JobRow, (start_h, now_h, self._category, lost_h, outage)))
                    hours -= lost_h
            self._rows.append(new_row(JobRow, (start_h, now_h, self._category, hours, self._cause)))

    def _book_running(self, start_h: float, now_h: float) -> None:
        """Split a running interval: work, what slowness took, and saves; the three sum to the interval."""
        work_h, saving_h = self._progress.advance(now_h)
        rows = self._rows
        tested_h = self._spec.tested_frac * (now_h - start_h - saving_h)
        if self._speed < 1.0:
            slow_h = max(0.0, now_h - start_h - saving_h - tested_h - work_h)
            rows.append(new_row(JobRow, (start_h, now_h, "degraded", slow_h, self._speed_cause)))
            work_h = now_h - start_h - saving_h - tested_h - slow_h
        else:
            work_h = now_h - start_h - saving_h - tested_h
        rows.append(new_row(JobRow, (start_h, now_h, "productive", work_h, NO_INCIDENT)))
        if tested_h > 0.0:
            rows.append(new_row(JobRow, (start_h, now_h, "validate", tested_h, NO_INCIDENT)))
        if saving_h > 0.0:
            rows.append(new_row(JobRow, (start_h, now_h, "checkpoint_save", saving_h, NO_INCIDENT)))
