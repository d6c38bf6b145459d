"""Preemptions: nodes that are gone for a while, with and without time for a save."""

from __future__ import annotations

from typing import Any

import pytest

from ras_sim.engine import simulate
from ras_sim.metrics import measure
from ras_sim.metrics.measures import check_conservation
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    exponential,
    fixed,
    h,
    hours,
    ladder,
    mode,
    per_h,
    rung,
    runs,
    small,
    tier,
    z_mean,
)

SAVE_H = 0.5
"""A save on demand: a quarter of an hour of blocking, and as long again until it can be used."""


def preempted(horizon_h: float, notice_h: float, every: Any = "100 h", lasts: Any = "10 h", **changes: Any) -> Scenario:
    taker = {"every": every, "lasts": lasts, "notice": h(notice_h), **SOURCE}
    remote = tier(30.0, 0.25, valid_after="15 min", restore="1 h", survives="rma")
    repair = ladder({"fix": rung(), "rma": rung(takes_down="unit")})
    return small(
        horizon_h, job__checkpoints={"remote": remote}, job__preemptions={"big": taker}, repair=repair, **changes
    )


@pytest.mark.parametrize(("notice_h", "lost_h"), [(0.0, None), (0.3, None), (0.5, 0.0), (2.0, 0.0)])
def test_with_time_for_a_save_nothing_is_lost(notice_h: float, lost_h: float | None) -> None:
    """Nodes are gone from 100 h + notice for 10 h; saves begin every 30 h of work, each blocks a quarter of an hour."""
    ledger = simulate(preempted(130.0, notice_h), seed=1, replication=0)
    stop_h = 100.0 + notice_h
    work_h = stop_h - 3 * 0.25 - (SAVE_H if lost_h == 0.0 else 0.0)
    found = hours(ledger)
    assert found["wait_capacity"] == pytest.approx(10.0)
    assert found.get("lost_work", 0.0) == pytest.approx(work_h - 90.0 if lost_h is None else 0.0)
    assert found["restore"] == pytest.approx(1.0)
    assert found["checkpoint_save"] == pytest.approx(3 * 0.25 + (SAVE_H if lost_h == 0.0 else 0.0))
    measured = measure(ledger)
    assert (measured.interruptions, measured.planned_interruptions) == (0, 1)
    assert set(measured.lost_gpu_hours_by_mode) <= {"preempted.big", "checkpoint"}
    assert ledger.incidents[0].job_effect == ("interrupted" if lost_h is None else "drained")
    check_conservation(ledger)


@pytest.mark.parametrize("notice_h", [0.0, 1.0])
def test_goodput_under_preemption(notice_h: float) -> None:
    """A renewal cycle: `every`, the notice, `lasts`; with a save each costs lasts + save + restore, less what blocks."""
    scenario = preempted(20_000.0, notice_h, exponential(200.0), exponential(20.0))
    ledgers = runs(scenario, 20)
    gone = [hours(ledger)["wait_capacity"] / ledger.horizon_h for ledger in ledgers]
    assert abs(z_mean(gone, 20.0 / (220.0 + notice_h))) < 4.0
    n = [measure(ledger).planned_interruptions for ledger in ledgers]
    assert abs(z_mean(n, 20_000.0 / (220.0 + notice_h))) < 4.0
    for ledger in ledgers:
        check_conservation(ledger)


def test_a_preemption_takes_the_nodes_of_a_job_that_is_down() -> None:
    """The node is in repair from 95 to 105, preempted from 100 to 110: the job is back at 110, and lost its work once."""
    crash = mode(lifetime=fixed(95.0), clears_at={"fix": 1.0})
    scenario = preempted(115.0, 0.0, failures={"node": {"crash": crash}})
    data = scenario.resolved()
    data["repair"]["ladder"]["fix"] |= {"duration": "10 h", "age_kept": 0.0}
    ledger = simulate(Scenario.model_validate(data), seed=1, replication=0)
    taken = next(row for row in ledger.incidents if row.component_class == "preempted")
    assert (taken.job_effect, taken.n_interruptions) == ("extended", 0)
    assert hours(ledger)["wait_capacity"] == pytest.approx(5.0)
    assert hours(ledger)["repair"] == pytest.approx(10.0)
    check_conservation(ledger)


def test_preemptions_move_no_fault_on_the_calendar() -> None:
    failures = {"node": {"crash": mode(rate=per_h(0.01))}}
    found = []
    for every in ("30 h", "1000 h"):
        ledger = simulate(preempted(500.0, 0.0, every, failures=failures), seed=2, replication=0)
        found.append([row.arrive_h for row in ledger.incidents if row.mode == "crash"])
    assert found[0] == found[1]
    assert found[0]
