"""Checkpoint tiers against a twin that takes one save after the other, written apart from the engine.

The engine computes saves in closed form; the twin walks: an hour of work, a pause, a save that becomes valid, a failure
somewhere in between. It keeps a list of all checkpoints that exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ras_sim.job.checkpoints import NODE_LOST, PROCESSES_LOST, Plan, Progress, Tier
from ras_sim.scenario.model import Scenario
from tests.small import fixed, h, hours, ladder, mode, per_h, rung, runs, small, tier, z_two

pytestmark = pytest.mark.slow  # statistics over many lives


@dataclass(frozen=True)
class Memory:
    """One tier of the twin; `strong` if it survives the loss of the node."""

    every: int
    pause_h: float
    valid_after_h: float
    restore_h: float
    strong: bool


@dataclass(frozen=True)
class Case:
    """Failures at `rate` on the job's clock, a share `p_node` of which take the node and need the slower repair."""

    rate: float
    p_node: float
    interval_h: float
    tiers: tuple[Memory, ...]
    work_h: float = 30.0
    restart_h: float = 0.2
    replace_h: float = 1.5
    start_up_h: float = 0.3


CASES = {
    "two tiers": Case(0.15, 0.3, 0.5, (Memory(1, 0.02, 0.0, 0.1, False), Memory(4, 0.2, 0.0, 0.5, True))),
    "saved in the background": Case(0.15, 0.3, 0.5, (Memory(1, 0.0, 0.3, 0.1, False), Memory(4, 0.05, 1.5, 0.5, True))),
    "three tiers": Case(
        0.25, 0.5, 0.4, (Memory(1, 0.01, 0.1, 0.0, False), Memory(2, 0.05, 0.5, 0.3, False), Memory(3, 0.1, 1.0, 0.8, True))
    ),
    "memory alone": Case(0.06, 0.5, 0.5, (Memory(1, 0.02, 0.1, 0.1, False),)),
    "remote alone, slow to be valid": Case(0.2, 0.5, 1.0, (Memory(1, 0.1, 0.9, 0.6, True),)),
    "two equal saves": Case(0.2, 0.0, 1.0, (Memory(1, 0.1, 0.2, 0.6, True), Memory(1, 0.0, 0.0, 0.1, False))),
}  # fmt: skip


def walk(case: Case, rng: np.random.Generator) -> tuple[float, float, float]:
    """(hours to complete, work lost, hours in restore) of one history, one save after the other."""
    now, lost_h, restore_h = case.start_up_h, 0.0, 0.0
    done_h, n_run = 0.0, 0  # work in hand; saves since this run began
    kept: list[tuple[float, float, int]] = []  # (work, valid from, tier)
    left_h = rng.exponential(1 / case.rate)  # until the next failure, on the job's clock
    while True:
        step_h = min(case.interval_h, case.work_h - done_h)
        if left_h >= step_h:
            now, left_h, done_h = now + step_h, left_h - step_h, done_h + step_h
            if done_h >= case.work_h - 1e-9:
                return now, lost_h, restore_h
            n_run += 1
            due = [k for k, memory in enumerate(case.tiers) if n_run % memory.every == 0]
            pause_h = sum(case.tiers[k].pause_h for k in due)
            if left_h >= pause_h:
                now, left_h = now + pause_h, left_h - pause_h
                kept += [(done_h, now + case.tiers[k].valid_after_h, k) for k in due]
                continue
            now += left_h
        else:
            now, done_h = now + left_h, done_h + left_h
        node = rng.random() < case.p_node
        kept = [entry for entry in kept if entry[1] <= now and (case.tiers[entry[2]].strong or not node)]
        best = max(kept, key=lambda entry: (entry[0], -case.tiers[entry[2]].restore_h), default=None)
        back_h = best[0] if best else 0.0
        reading_h = case.tiers[best[2]].restore_h if best else 0.0
        lost_h, restore_h = lost_h + done_h - back_h, restore_h + reading_h
        kept = [entry for entry in kept if entry[0] <= back_h]
        now += case.restart_h + (case.replace_h if node else 0.0) + case.start_up_h + reading_h
        done_h, n_run, left_h = back_h, 0, rng.exponential(1 / case.rate)


def engine(case: Case) -> Scenario:
    tiers: dict[str, Any] = {
        f"tier{k}": tier(
            case.interval_h * memory.every,
            memory.pause_h,
            valid_after=h(memory.valid_after_h),
            restore=h(memory.restore_h),
            survives="replace" if memory.strong else "fix",
        )
        for k, memory in enumerate(case.tiers)
    }
    needs = {"fix": 1.0 - case.p_node, "replace": case.p_node}
    rungs = {"fix": rung(fixed(case.restart_h)), "replace": rung(fixed(case.replace_h), takes_down="unit")}
    return small(
        50_000.0,
        job__work=h(case.work_h),
        job__initialise__base=h(case.start_up_h),
        job__checkpoints=tiers,
        failures={"node": {"crash": mode(rate=per_h(case.rate), clock="in_job", clears_at=needs)}},
        repair=ladder(rungs),
    )


@pytest.mark.parametrize("name", CASES)
def test_tiers_meet_their_twin(name: str) -> None:
    """Completion, lost work and restore: 18 means and 18 spreads are looked at."""
    ledgers = runs(engine(CASES[name]), 400, seed=31)
    assert all(ledger.completed for ledger in ledgers)
    rng = np.random.default_rng(32)
    twin = np.array([walk(CASES[name], rng) for _ in range(4000)])
    totals = [hours(ledger) for ledger in ledgers]
    seen = np.array(
        [
            (ledger.horizon_h, total.get("lost_work", 0.0), total.get("restore", 0.0))
            for ledger, total in zip(ledgers, totals, strict=True)
        ]
    )
    for column in range(3):
        a, b = seen[:, column], twin[:, column]
        if b.std() > 0.0:
            assert abs(z_two(a, b)) < 4.0
            assert abs(z_two((a - a.mean()) ** 2, (b - b.mean()) ** 2)) < 4.0


SPEEDS = (1.0, 0.5, 0.8, 1.0, 0.3)


@pytest.mark.parametrize("seed", range(20))
def test_a_run_at_changing_speed_saves_as_if_it_were_walked(seed: int) -> None:
    """Work, hours in saves, and the checkpoint to go back to, for random changes of speed, against small steps."""
    rng = np.random.default_rng(seed)
    plan = Plan(
        0.7,
        (Tier("a", 1, 0.11, 0.4, 0.0, PROCESSES_LOST), Tier("b", 3, 0.2, 0.9, 0.0, NODE_LOST)),
    )
    progress = Progress(plan)
    progress.start(0.0, 1.0)
    changes = sorted(rng.uniform(0.0, 12.0, size=5).tolist())
    end_h = float(rng.uniform(12.0, 16.0))
    work_h = saving_h = 0.0
    for hour, speed in zip(changes, SPEEDS, strict=True):
        done = progress.advance(hour)
        work_h, saving_h = work_h + done[0], saving_h + done[1]
        progress.set_speed(speed)
    done = progress.advance(end_h)
    work_h, saving_h = work_h + done[0], saving_h + done[1]

    now, walked_h, pause_h, saves, paused_h = 0.0, 0.0, 0.0, 0, 0.0
    ends: list[float] = []
    instants = [*changes, end_h]
    while now < end_h - 1e-12:
        passed = sum(change <= now + 1e-12 for change in changes)
        speed = 1.0 if passed == 0 else SPEEDS[passed - 1]
        until = next(instant for instant in instants if instant > now + 1e-12) - now
        if pause_h > 1e-12:
            step = min(pause_h, until)
            pause_h, paused_h, now = pause_h - step, paused_h + step, now + step
            if pause_h <= 1e-12:
                ends.append(now)
            continue
        step = min(((saves + 1) * 0.7 - walked_h) / speed, until)
        walked_h, now = walked_h + step * speed, now + step
        if walked_h > (saves + 1) * 0.7 - 1e-12:
            saves += 1
            pause_h = 0.11 + (0.2 if saves % 3 == 0 else 0.0)
    assert work_h == pytest.approx(walked_h, abs=1e-9)
    assert saving_h == pytest.approx(paused_h, abs=1e-9)
    for level, every, valid_h in ((PROCESSES_LOST, 1, 0.4), (NODE_LOST, 3, 0.9)):
        usable = [k + 1 for k, ended in enumerate(ends) if (k + 1) % every == 0 and ended + valid_h <= end_h]
        one = Progress(plan)
        one.start(0.0, 1.0)
        for hour, speed in zip(changes, SPEEDS, strict=True):
            one.advance(hour)
            one.set_speed(speed)
        one.advance(end_h)
        one.stop(end_h)
        lost_h, _ = one.roll_back(level, float("inf"))
        slower = [k + 1 for k, ended in enumerate(ends) if (k + 1) % 3 == 0 and ended + 0.9 <= end_h]
        best = max([*usable, *slower], default=0)
        assert lost_h == pytest.approx(walked_h - 0.7 * best, abs=1e-9)
