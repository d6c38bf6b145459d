"""Which checkpoints are kept, against a twin with a list of all of them from which each save deletes what is too old."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from ras_sim.job.checkpoints import NODE_LOST, PROCESSES_LOST, Plan, Progress, Tier
from ras_sim.job.retention import Retention
from tests.small import hours, tier
from tests.theory.test_scripted import at, play

INTERVAL_H = 0.5
POLICIES = {
    "last": Retention(3),
    "only one": Retention(1),
    "a day each": Retention(2, 24 * INTERVAL_H),
    "odd grid, aged": Retention(2, 3.3, 11.0),
    "each is kept, aged": Retention(1, INTERVAL_H, 6.0),
    "shorter than an interval": Retention(2, 0.2, 7.0),
}


@dataclass
class Shelf:
    """One tier of the twin: positions of its checkpoints, those on the grid apart."""

    every: int
    strong: bool
    policy: Retention | None
    recent: list[float] = field(default_factory=list)
    grid: list[float] = field(default_factory=list)
    reached_h: float = 0.0

    def save(self, position_h: float) -> None:
        if self.policy is None:
            self.recent.append(position_h)
            return
        step = self.policy.every_h
        if step is not None and math.floor(position_h / step + 1e-9) > math.floor(self.reached_h / step + 1e-9):
            self.grid.append(position_h)
        self.reached_h = max(self.reached_h, position_h)
        self.recent = [*self.recent, position_h][-self.policy.last :]
        age_h = math.inf if self.policy.for_h is None else self.policy.for_h
        self.grid = [one for one in self.grid if one >= position_h - age_h - 1e-9]

    def newest(self, before_h: float) -> float | None:
        return max((one for one in (*self.recent, *self.grid) if one <= before_h), default=None)

    def lose_after(self, position_h: float) -> None:
        self.recent = [one for one in self.recent if one <= position_h + 1e-9]
        self.grid = [one for one in self.grid if one <= position_h + 1e-9]
        self.reached_h = min(self.reached_h, position_h)


def twin_run(shelves: list[Shelf], base_h: float, worked_h: float) -> None:
    """Save after each interval of work, in the tiers whose turn it is."""
    for number in range(1, math.floor(worked_h / INTERVAL_H + 1e-9) + 1):
        for shelf in shelves:
            if number % shelf.every == 0:
                shelf.save(base_h + number * INTERVAL_H)


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("seed", range(6))
def test_kept_checkpoints_meet_their_twin(name: str, seed: int) -> None:
    """Forty runs of random length; stops lose processes or nodes, some save first, some find corruption from long ago."""
    rng = np.random.default_rng(seed)
    policy = POLICIES[name]
    tiers = (
        Tier("near", 1, 0.0, 0.0, 0.0, PROCESSES_LOST, Retention(4)),
        Tier("far", int(rng.integers(1, 4)), 0.0, 0.0, 1.0, NODE_LOST, policy),
    )
    progress, now_h, position_h = Progress(Plan(INTERVAL_H, tiers)), 0.0, 0.0
    shelves = [Shelf(one.multiple, one.survives == NODE_LOST, one.keep) for one in tiers]
    compared = deep = 0
    for _ in range(40):
        worked_h = float(rng.exponential(6.0))
        progress.start(now_h, 1.0)
        now_h += worked_h
        progress.advance(now_h)
        twin_run(shelves, position_h, worked_h)
        position_h += worked_h
        progress.stop(now_h)
        level = NODE_LOST if rng.random() < 0.3 else PROCESSES_LOST
        if rng.random() < 0.2:
            progress.save_all(NODE_LOST)
            shelves[1].save(position_h)
        before_h = math.inf if rng.random() < 0.6 else max(0.0, position_h - float(rng.exponential(5.0)))
        if level == NODE_LOST:
            shelves[0].recent.clear()
        found = [shelf.newest(before_h) for shelf in shelves]
        back_h = max((one for one in found if one is not None), default=0.0)
        for shelf in shelves:
            shelf.lose_after(back_h)
        lost_h, _ = progress.roll_back(level, before_h)
        assert lost_h == pytest.approx(position_h - back_h, abs=1e-8)
        compared += 1
        deep += before_h < math.inf and back_h < before_h - 2 * INTERVAL_H
        position_h = back_h
    assert compared == 40
    assert deep or name == "each is kept, aged"


@pytest.mark.parametrize(
    ("keep", "back_to_h"),
    [(None, 10.0), ({"last": 6}, 10.0), ({"last": 5}, 0.0), ({"last": 2, "every": "4 h"}, 8.0),
     ({"last": 2, "every": "4 h", "age": "7 h"}, 8.0), ({"last": 2, "every": "4 h", "age": "6 h"}, 0.0)],
)  # fmt: skip
def test_roll_back_goes_to_the_last_sound_checkpoint_that_is_kept(keep: dict[str, object] | None, back_to_h: float) -> None:
    """Corrupt from 10.5, found at 15.5 with saves of each hour up to 15: 10, ..., 15 are the last six."""
    ledger = play(
        20.0, {"sdc": at(10.5, "silent")}, detection__silent="5 h", job__checkpoints={"disk": tier(1.0, keep=keep)}
    )
    assert hours(ledger) == pytest.approx(
        {"productive": 20.0 - 1.0 - (15.5 - back_to_h), "lost_work": 15.5 - back_to_h, "repair": 1.0}
    )


def test_corrupt_work_that_nobody_found_is_tainted() -> None:
    """Corrupt from 10.5 on; at 20 nobody has noticed: 10.5 h are sound."""
    ledger = play(20.0, {"sdc": at(10.5, "silent")}, detection__silent="50 h")
    assert hours(ledger) == pytest.approx({"productive": 10.5, "tainted": 9.5})
    culprit = {row.incident_id for row in ledger.job if row.category == "tainted"}
    assert culprit == {row.incident_id for row in ledger.incidents if row.mode == "sdc"}


def test_work_that_is_complete_may_be_tainted_too() -> None:
    ledger = play(50.0, {"sdc": at(10.5, "silent")}, detection__silent="90 h", job__work="20 h")
    assert ledger.completed
    assert hours(ledger) == pytest.approx({"productive": 10.5, "tainted": 9.5})
