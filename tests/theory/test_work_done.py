"""A job with so much work ends at the instant at which that work is done, whatever stops it, slows it and speeds it up.

The alarm that looks whether the work is done is set for the soonest hour that is possible and stays through stops. If it
rang too late, more than the work would be in the ledger; if it were lost, the job would never end.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import simpy

from ras_sim.job.checkpoints import NODE_LOST, NOTHING_LOST, PROCESSES_LOST, Plan, Tier
from ras_sim.job.spec import JobSpec
from ras_sim.job.training import TrainingJob
from ras_sim.ledger import JobRow

PLANS = {
    "never saves": Plan(1e18, ()),
    "saves at no cost": Plan(0.5, (Tier("disk", 1, 0.0, 0.0, 0.0, NODE_LOST),)),
    "saves that stop it": Plan(0.5, (Tier("disk", 1, 0.2, 0.0, 0.1, NODE_LOST),)),
    "two tiers": Plan(
        0.3, (Tier("memory", 1, 0.01, 0.1, 0.0, PROCESSES_LOST), Tier("disk", 4, 0.15, 0.2, 0.4, NODE_LOST))
    ),
}


class Play:
    """One job of 20 h of work, to which things happen at random until it is done."""

    def __init__(self, plan: Plan, seed: int, start_up_h: float = 0.0, tested_frac: float = 0.0) -> None:
        self.draws = np.random.Generator(np.random.Philox(seed))
        self.env = simpy.Environment()
        self.rows: list[JobRow] = []
        self.done_h: float | None = None
        spec = JobSpec(8, 20.0, start_up_h, plan, tested_frac)
        self.job = TrainingJob(self.env, spec, self.rows, lambda anew: None, lambda: None, self._done)

    def _done(self) -> None:
        self.done_h = self.env.now

    def trouble(self) -> Generator[simpy.Event, None, None]:
        """Stops of every kind, and speeds; all of them over before the next begins or after it."""
        yield self.env.timeout(0.0)
        for number in range(int(self.draws.integers(1, 12))):
            yield self.env.timeout(self.draws.exponential(3.0))
            if self.done_h is not None:
                return
            if self.draws.random() < 0.4:
                self.job.set_speed(float(self.draws.choice([0.25, 0.5, 0.9, 1.0])), number)
                continue
            level = int(self.draws.choice([NOTHING_LOST, PROCESSES_LOST, NODE_LOST]))
            save_first = level > NOTHING_LOST and bool(self.draws.random() < 0.3)
            self.job.hold(number, "repair", level, save_first)
            over = self.env.timeout(float(self.draws.choice([0.0, 0.05, 2.0])))
            over.callbacks.append(lambda _, number=number: self.job.release(number))

    def until_done(self) -> float:
        """Runs to the end; the hour at which the job said that it is done."""
        self.job.begin()
        self.env.run(until=3000.0)
        assert self.done_h is not None
        self.job.finish()
        return self.done_h


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_a_job_does_its_work_and_no_more(plan: Plan, seed: int) -> None:
    play = Play(plan, seed, start_up_h=0.3 * (seed % 2), tested_frac=0.1 * (seed % 3 == 0))
    play.env.process(play.trouble())
    done_h = play.until_done()
    assert sum(row.hours for row in play.rows if row.category == "productive") == pytest.approx(20.0, rel=1e-9)
    assert sum(row.hours for row in play.rows) == pytest.approx(done_h, rel=1e-9)
    last = max((row for row in play.rows if row.hours > 0.0), key=lambda row: (row.end_h, row.category == "productive"))
    assert (last.end_h, last.category) == (done_h, "productive")  # it does not end with a save that nobody needs


def test_a_job_that_gets_faster_ends_sooner_than_was_looked_for() -> None:
    """10 h at half speed, then the other 15 h of work at full speed: done at 25 h, not at 40 h."""
    play = Play(PLANS["never saves"], 0)
    play.job.set_speed(0.5, 1)
    play.env.timeout(10.0).callbacks.append(lambda _: play.job.set_speed(1.0, -1))
    assert play.until_done() == pytest.approx(25.0, abs=1e-9)
