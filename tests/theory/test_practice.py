"""The ladder as practised: escalation by time, cool-down, draining, probation, incidents on one node in one repair."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ras_sim.cluster import Cluster
from ras_sim.ledger import Ledger
from ras_sim.metrics.measures import check_conservation
from tests.small import faults_of, fixed, h, hours, ladder, mode, rung, runs, small, tier, z_mean

LIFE_H = 1000.0


def at(hour: float, symptom: str = "crash", **keys: Any) -> dict[str, Any]:
    """A fault at that hour, and not again."""
    return mode(lifetime=fixed(LIFE_H), start_age=h(LIFE_H - hour), symptoms={symptom: 1.0}, **keys)


def play(repair: dict[str, Any], modes: dict[str, Any], horizon_h: float = 100.0, **changes: Any) -> Ledger:
    given = {"job__checkpoints": {"disk": {**tier(1.0), "survives": "high"}}, "failures": {"node": modes}}
    given |= {"repair": repair, **changes}
    (ledger,) = runs(small(horizon_h, **given), 1)
    check_conservation(ledger)
    return ledger


def tries(ledger: Ledger) -> list[tuple[str, float]]:
    return [(row.rung, round(row.asked_h, 9)) for row in ledger.attempts]


HIGH = rung("2 h", takes_down="unit", age_kept=0.0)


@pytest.mark.parametrize(("after_h", "n_low"), [(0.5, 1), (3.0, 3), (3.5, 4), (50.0, 6)])
def test_escalation_by_time(after_h: float, n_low: int) -> None:
    """Tries of an hour each in vain: until the time is up, or the tries are."""
    steps = {"low": rung("1 h", tries=6), "high": HIGH}
    repair = ladder(steps, policy={"escalate": {"after": h(after_h), "rung": "high"}})
    ledger = play(repair, {"crash": at(10.0, clears_at={"high": 1.0})})
    assert [name for name, _ in tries(ledger)] == ["low"] * n_low + ["high"]


@pytest.mark.parametrize("cool_down_h", [0.0, 0.75, 5.0])
def test_cool_down(cool_down_h: float) -> None:
    """From the end of a try to the next one of that rung; the next rung need not wait."""
    steps = {"low": rung("1 h", tries=3, cool_down=h(cool_down_h)), "high": HIGH}
    ledger = play(ladder(steps), {"crash": at(10.0, clears_at={"high": 1.0})})
    step_h = 1.0 + cool_down_h
    begun = [10.0, 10.0 + step_h, 10.0 + 2 * step_h, 10.0 + 2 * step_h + 1.0]
    assert tries(ledger) == [("low", begun[0]), ("low", begun[1]), ("low", begun[2]), ("high", begun[3])]
    assert hours(ledger)["repair"] == pytest.approx(begun[3] + 2.0 - 10.0)


def test_cool_down_counts_across_returns() -> None:
    """A fault that comes back after 1 h waits for the rest of the 4 h."""
    steps = {"low": rung("1 h", tries=9, cool_down="4 h", seen=0.0)}
    fault = at(10.0, clears_at={"high": 1.0})
    repair = ladder({**steps, "high": HIGH}, policy={"tries_window": "1000 h"}, comes_back="1 h")
    begun = [at_h for name, at_h in tries(play(repair, {"crash": fault})) if name == "low"]
    assert np.diff(begun) == pytest.approx([5.0] * 8)


def drained(drains: bool, **keys: Any) -> list[Ledger]:
    """Caught exceptions at any hour that need a restart of the processes."""
    steps = {
        "retry": rung(0, takes_down="operation"),
        "restart": rung("1 h", drains=drains, age_kept=0.0),
        "high": HIGH,
    }
    life = {"kind": "uniform", "low": "10000 h", "high": "10080 h"}
    fault = mode(lifetime=life, start_age="10000 h", symptoms={"exception": 1.0}, clears_at={"restart": 1.0})
    disk = {**tier(1.0, valid_after="15 min"), "survives": "high"}
    given = {"job__checkpoints": {"disk": disk}, "failures": {"node": {"xid": fault}}, "repair": ladder(steps)}
    return runs(small(100.0, **given, **keys), 150)


def test_draining_saves_the_work() -> None:
    """Without it half an interval and the quarter of an hour in which no save is valid are lost; with it nothing, for the
    price of a save."""
    lost = [hours(one).get("lost_work", 0.0) for one in drained(False)]
    first = [one.incidents[0].arrive_h for one in drained(False)]
    late = [x for x, at_h in zip(lost, first, strict=True) if at_h > 2.0]
    assert abs(z_mean(late, 0.75)) < 4
    for ledger in drained(True):
        got = hours(ledger)
        assert "lost_work" not in got
        assert got["checkpoint_save"] == pytest.approx(0.25)
        assert got["repair"] == pytest.approx(1.0)
        (row,) = ledger.incidents
        assert (row.job_effect, row.n_interruptions) == ("interrupted", 1)


def test_a_spare_on_probation_serves_last() -> None:
    """Brute force: the order of the spares with and without, at each hour."""
    now = [0.0]
    cluster = Cluster(6, 2, 4, [], lambda: now[0])
    assert cluster.replacements([0, 1]) == [2, 3]
    cluster.put_on_probation([2, 4], 10.0)
    assert cluster.replacements([0, 1]) == [3, 5]
    cluster.put_on_probation([3, 5], 20.0)
    assert cluster.replacements([0, 1]) == [2, 3]  # all are: in the order in which they came
    now[0] = 10.0
    assert cluster.replacements([0, 1]) == [2, 4]
    now[0] = 20.0
    assert cluster.replacements([0, 1]) == [2, 3]


@pytest.mark.parametrize("time_h", [1.0, 150.0, 3000.0])
def test_who_serves_while_others_are_on_probation(time_h: float) -> None:
    """Brute force: a queue of spares from the hours of the incidents; its first one that is not on probation serves next."""
    swaps = {"takes_down": "unit", "meanwhile": "swap", "age_kept": 0.0}
    steps = {"low": rung("2 h", **swaps), "high": rung("40 h", **swaps)}
    fails = mode(lifetime={"kind": "exponential", "mean": "60 h"}, clock="in_job", clears_at={"low": 0.5, "high": 0.5})
    policy = {"probation": {"after": ["high"], "time": h(time_h)}}
    scenario = small(
        3000.0,
        nodes=6,
        job_nodes=1,
        job__spares__nodes=5,
        failures={"node": {"crash": fails}},
        repair=ladder(steps, policy=policy),
    )
    out_of_turn = 0
    for ledger in runs(scenario, 15):
        rows = [row for row in ledger.incidents if row.job_effect == "interrupted"]
        for n, (row, following) in enumerate(pairwise(rows)):
            back: dict[int, float] = {one.node: one.closed_h for one in rows[:n]}  # the last return of each
            until = {one.node: one.closed_h + time_h for one in rows[:n] if one.final_rung == "high"}
            spares = [one for one in range(6) if one != row.node and back.get(one, 0.0) <= row.arrive_h]
            spares.sort(key=lambda one: (back.get(one, 0.0), one))
            trusted = [one for one in spares if until.get(one, 0.0) <= row.arrive_h]
            served = [*trusted, *spares][0]
            out_of_turn += served != spares[0]
            assert following.node == served
    if time_h == 150.0:
        assert out_of_turn > 10  # there was something to see


def merged(merge: str, needs: str = "reboot", **keys: Any) -> Ledger:
    """At 10 a fault whose reboot takes 3 h, at 11 another one on the same node."""
    steps = {
        "reboot": rung("3 h", takes_down="node", age_kept=0.0),
        "high": rung("5 h", takes_down="unit", replaces=True),
    }
    modes = {"first": at(10.0, clears_at={needs: 1.0}), "second": at(11.0, clears_at={"reboot": 1.0}, **keys)}
    start = {"default": "reboot", "node.first": needs}
    return play(ladder(steps, policy={"merge": merge, "start": start}), modes)


def test_incidents_on_one_node_are_merged() -> None:
    """Apart the node is down until 14, together until 13."""
    apart, together = merged("part"), merged("node")
    assert hours(apart)["repair"] == pytest.approx(4.0)
    assert hours(together)["repair"] == pytest.approx(3.0)
    (row,) = faults_of(together, "second")
    assert (row.outcome, row.final_rung, row.n_attempts) == ("fixed", "reboot", 1)
    assert row.closed_h == pytest.approx(13.0)


def test_what_is_in_a_replaced_unit_is_gone() -> None:
    apart, together = merged("part", "high"), merged("node", "high")
    assert hours(apart)["repair"] == pytest.approx(5.0)
    (row,) = faults_of(together, "second")
    assert (row.outcome, row.closed_h, row.n_attempts) == ("fixed", pytest.approx(15.0), 0)


def test_what_is_not_covered_is_repaired_next() -> None:
    """The second one needs a new unit: the reboot was no help, and it goes on when the node is up."""
    steps = {"reboot": rung("3 h", takes_down="node", age_kept=0.0), "high": rung("5 h", takes_down="unit", replaces=True)}
    modes = {"first": at(10.0, clears_at={"reboot": 1.0}), "second": at(11.0, clears_at={"high": 1.0})}
    ledger = play(ladder(steps, policy={"merge": "node"}), modes)
    assert [(row.rung, row.outcome) for row in ledger.attempts] == [
        ("reboot", "fixed"), ("reboot", "failed"), ("high", "fixed"),
    ]  # fmt: skip
    (row,) = faults_of(ledger, "second")
    assert row.closed_h == pytest.approx(13.0 + 5.0)
