"""Outages of control plane and storage: who waits for how long, to whom it is charged, and which saves are lost."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
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


def service(every: Any, lasts: Any, phase: str, left: float = 0.0, **keys: Any) -> dict[str, Any]:
    return {"every": every, "lasts": lasts, "left": {phase: left}, **keys, **SOURCE}


def crashing_at(hour: float, **changes: Any) -> Scenario:
    """One node that crashes once, at a known hour (its life is never renewed)."""
    crash = mode(lifetime=fixed(hour), clears_at={"fix": 1.0})
    repair = ladder({"fix": rung("1 h", age_kept=0.0)})
    return small(changes.pop("horizon_h", hour + 40.0), failures={"node": {"crash": crash}}, repair=repair, **changes)


def charged(ledger: Ledger, category: str) -> dict[str, float]:
    """Hours of a category by the mode that is to blame, "" for nobody."""
    names = {row.incident_id: row.mode for row in ledger.incidents} | {-1: ""}
    table: dict[str, float] = {}
    for row in ledger.job:
        if row.category == category:
            table[names[row.incident_id]] = table.get(names[row.incident_id], 0.0) + row.hours
    return table


@pytest.mark.parametrize(
    ("out_h", "lasts_h", "extra_h"),
    [(50.0, 5.0, 0.0), (99.5, 0.4, 0.0), (100.5, 3.0, 2.5), (102.0, 3.0, 3.0), (103.5, 3.0, 0.0)],
)
def test_a_start_up_waits_for_the_control_plane(out_h: float, lasts_h: float, extra_h: float) -> None:
    """The crash at 100 is repaired at 101, the start-up takes 2 h: it is longer by the outage that falls into it."""
    plane = service(fixed(out_h), fixed(lasts_h), "initialise")
    ledger = simulate(
        crashing_at(100.0, job__initialise__base="2 h", services={"control_plane": plane}, horizon_h=140.0),
        seed=1, replication=0,
    )  # fmt: skip
    after = [row for row in ledger.job if row.start_h >= 101.0 and row.category == "initialise"]
    assert sum(row.hours for row in after) == pytest.approx(2.0 + extra_h)
    assert charged(ledger, "initialise").get("control_plane", 0.0) == pytest.approx(extra_h)
    assert charged(ledger, "initialise")["crash"] == pytest.approx(2.0)
    assert hours(ledger)["productive"] + hours(ledger)["lost_work"] == pytest.approx(140.0 - 1.0 - 4.0 - extra_h)
    assert measure(ledger).interruptions == 1  # the outage stops nothing
    check_conservation(ledger)


@pytest.mark.parametrize("left", [0.0, 0.25, 0.8])
def test_what_is_left_of_the_storage_sets_the_pace_of_a_restore(left: float) -> None:
    """Restore of 2 h from 101 on, storage limited from 102 to 105: work of 1 h is done at the pace that is left."""
    storage = service(fixed(102.0), fixed(3.0), "restore", left=left)
    remote = tier(10.0, restore="2 h")
    ledger = simulate(
        crashing_at(100.5, job__checkpoints={"remote": remote}, services={"storage": storage}), seed=1, replication=0
    )
    begin_h = 101.5
    done = 102.0 - begin_h
    slow = min(3.0, (2.0 - done) / left) if left else 3.0
    expected = done + slow + (2.0 - done - left * slow)
    assert hours(ledger)["restore"] == pytest.approx(expected)
    assert charged(ledger, "restore")["storage"] == pytest.approx((1.0 - left) * slow)
    assert charged(ledger, "restore")["crash"] == pytest.approx(2.0)
    check_conservation(ledger)


@pytest.mark.parametrize("tiers", [None, ["remote"], ["memory"]])
def test_only_tiers_that_are_kept_there_wait(tiers: list[str] | None) -> None:
    storage = service(fixed(99.0), fixed(10.0), "restore", **({"tiers": tiers} if tiers else {}))
    checkpoints = {"memory": tier(20.0, restore="1 h", survives="lowest"), "remote": tier(10.0, restore="2 h")}
    scenario = crashing_at(100.0, job__checkpoints=checkpoints, services={"storage": storage})
    data = scenario.resolved()
    data["repair"]["ladder"] = {"lowest": rung(takes_down="operation"), **data["repair"]["ladder"]}
    data["repair"]["policy"]["start"]["default"] = "fix"
    ledger = simulate(Scenario.model_validate(data), seed=1, replication=0)
    # Work of 100 h: the tier of 10 h is the newest; it restores in 2 h from 101 on, or waits until 109.
    assert hours(ledger)["restore"] == pytest.approx(2.0 if tiers == ["memory"] else 10.0)


@pytest.mark.parametrize(("up_h", "down_h", "start_h"), [(20.0, 5.0, 2.0), (5.0, 5.0, 0.5), (50.0, 2.0, 10.0)])
def test_a_start_at_any_time_takes_the_mean_of_an_interrupted_task(up_h: float, down_h: float, start_h: float) -> None:
    """Exponential up and down times: E = s + s m / M + m m / (m + M), s the start-up, m down, M up (preempt-resume)."""
    plane = service(exponential(up_h), exponential(down_h), "initialise")
    # Far more apart than a start-up takes, so that no stop waits for one.
    apart = {"kind": "uniform", "low": "100 h", "high": "200 h"}
    planned = {"release": {"every": apart, "duration": 0, **SOURCE}}
    scenario = small(
        20_000.0, job__initialise__base=h(start_h), job__planned=planned, services={"control_plane": plane}
    )
    means = []
    for ledger in runs(scenario, 30):
        n_starts = sum(row.outcome == "fixed" for row in ledger.incidents if row.mode == "release")
        spent_h = sum(row.hours for row in ledger.job if row.category == "initialise" and row.start_h > 90.0)
        means.append(spent_h / n_starts)
    expected = start_h * (1.0 + down_h / up_h) + down_h * down_h / (down_h + up_h)
    assert abs(z_mean(means, expected)) < 4.0


@pytest.mark.parametrize(
    ("out_h", "lasts_h", "kept_h"),
    [(15.0, 4.0, 30.0), (29.5, 1.0, 20.0), (30.3, 0.1, 20.0), (30.6, 3.0, 30.0), (19.0, 12.0, 10.0), (31.0, 60.0, 30.0)],
)
def test_saves_that_fall_into_an_outage_are_lost(out_h: float, lasts_h: float, kept_h: float) -> None:
    """Saves every 10 h of work, valid half an hour later, nothing blocks; the crash at 34 goes back to the last good one."""
    storage = service(fixed(out_h), fixed(lasts_h), "save")
    remote = tier(10.0, valid_after="30 min")
    scenario = crashing_at(34.0, job__checkpoints={"remote": remote}, services={"storage": storage}, horizon_h=36.0)
    ledger = simulate(scenario, seed=1, replication=0)
    assert hours(ledger)["lost_work"] == pytest.approx(34.0 - kept_h)
    check_conservation(ledger)


def test_a_stop_that_saves_first_waits_for_the_storage() -> None:
    """A planned stop at 50 of half an hour saves for 1 h; the storage is out from 50.25 to 52."""
    storage = service(fixed(50.25), fixed(1.75), "save")
    planned = {"release": {"every": "50 h", "duration": "30 min", **SOURCE}}
    remote = tier(10.0, 0.5, valid_after="30 min", survives="rma")
    repair = ladder({"fix": rung(), "rma": rung(takes_down="unit")})
    scenario = small(
        55.0, job__checkpoints={"remote": remote}, job__planned=planned, services={"storage": storage}, repair=repair
    )
    ledger = simulate(scenario, seed=1, replication=0)
    assert charged(ledger, "checkpoint_save")["storage"] == pytest.approx(1.75)
    assert hours(ledger).get("lost_work", 0.0) == 0.0
    stop = [row for row in ledger.job if row.category == "planned"]
    # The stop is over at 51.5, and the save not before 52.75.
    assert not stop
    assert [row.start_h for row in ledger.job if row.category == "productive"][-1] == pytest.approx(52.75)


@pytest.mark.parametrize("phase", ["initialise", "restore"])
def test_what_takes_no_time_waits_for_an_outage_all_the_same(phase: str) -> None:
    """Start-up and restore are instant; from 101, when the node is repaired, the job waits until 103.5."""
    scenario = crashing_at(
        100.0,
        job__checkpoints={"remote": tier(10.0)},
        services={"it": service(fixed(100.5), fixed(3.0), phase)},
    )
    ledger = simulate(scenario, seed=1, replication=0)
    assert hours(ledger)[phase] == pytest.approx(2.5)
    assert charged(ledger, phase) == {"it": pytest.approx(2.5), "crash": pytest.approx(0.0)}


def test_the_worst_of_two_outages_counts() -> None:
    services = {
        "slow": service(fixed(99.0), fixed(30.0), "initialise", left=0.5),
        "out": service(fixed(102.0), fixed(4.0), "initialise"),
    }
    ledger = simulate(crashing_at(100.0, job__initialise__base="2 h", services=services), seed=1, replication=0)
    # From 101: half a unit of work until 102, nothing until 106, 1.5 h of work at half speed.
    after = charged(ledger, "initialise")
    assert after["out"] == pytest.approx(4.0)
    assert after["slow"] == pytest.approx(0.5 + 1.5)
    check_conservation(ledger)


def test_outages_move_no_fault() -> None:
    failures = {"node": {"crash": mode(rate=per_h(0.01))}}
    plane = service(exponential(20.0), exponential(5.0), "initialise")
    found = []
    for services in (None, {"control_plane": plane}):
        ledger = simulate(
            small(500.0, nodes=5, job_nodes=5, failures=failures, services=services, job__initialise__base="1 h"),
            seed=2, replication=0,
        )  # fmt: skip
        found.append([(row.arrive_h, row.instance) for row in ledger.incidents if row.mode == "crash"])
    assert found[0] == found[1]
    assert len(found[0]) > 5
    assert not math.isnan(np.mean([at_h for at_h, _ in found[0]]))


def storm(after: list[str], lasts: Any, left: float) -> dict[str, Any]:
    return {"after": after, "lasts": lasts, "left": {"restore": left}, **SOURCE}


RESTORES = {"disk": tier(10.0, restore="2 h")}


@pytest.mark.parametrize(
    ("lasts_h", "left", "restore_h"),
    [(50.0, 0.25, 8.0), (50.0, 0.5, 4.0), (4.0, 0.25, 2.0 + 4.0 * 0.75), (50.0, 1.0 / 3.0, 6.0), (1e-9, 0.25, 2.0)],
)
def test_a_storm_follows_an_outage_at_its_end(lasts_h: float, left: float, restore_h: float) -> None:
    """A crash at 100 is repaired at 101, at the very hour at which the control plane is back and everybody reads."""
    scenario = crashing_at(
        100.0,
        job__checkpoints=RESTORES,
        services={
            "plane": service(fixed(98.0), fixed(3.0), "initialise"),
            "storage": storm(["plane"], fixed(lasts_h), left),
        },
    )
    (ledger,) = runs(scenario, 1)
    assert hours(ledger)["restore"] == pytest.approx(restore_h, abs=1e-6)
    (row, *_) = (row for row in ledger.incidents if row.mode == "storage")
    assert (row.arrive_h, row.component_class) == (pytest.approx(101.0), "service")


@pytest.mark.parametrize(("strike_h", "left"), [(40.0, 0.25), (70.0, 0.5)])
def test_a_storm_follows_each_strike_of_a_shock(strike_h: float, left: float) -> None:
    """A shock takes the node down for an hour, again and again; a restore of 2 h takes 2 h / left as long as all restore."""
    scenario = small(
        5.5 * strike_h,
        failures={"node": {"power": mode(clears_at={"fix": 1.0})}},
        shocks={"dip": {"every": fixed(strike_h), "under": "machine", "strikes": "node.power", "p_struck": 1.0, **SOURCE}},
        repair=ladder({"fix": rung("1 h")}),
        job__checkpoints=RESTORES,
        services={"storage": storm(["dip"], fixed(20.0), left)},
    )
    (ledger,) = runs(scenario, 1)
    assert hours(ledger)["restore"] == pytest.approx(5 * 2.0 / left)
    assert charged(ledger, "restore") == {"power": pytest.approx(10.0), "storage": pytest.approx(10.0 / left - 10.0)}
    check_conservation(ledger)


def test_storms_come_as_often_as_what_they_follow() -> None:
    """Of two shocks and an outage, as renewal processes: one storm for each event of any of them."""
    shock = {"under": "node", "strikes": "node.power", "p_struck": 0.5, **SOURCE}
    scenario = small(
        20_000.0,
        nodes=3,
        failures={"node": {"power": mode(clears_at={"fix": 1.0})}},
        shocks={"dip": {"every": exponential(300.0), **shock}, "swell": {"every": exponential(900.0), **shock}},
        services={
            "plane": service(exponential(400.0), fixed(10.0), "initialise", 0.5),
            "storage": storm(["dip", "plane"], exponential(5.0), 0.5),
        },
    )
    counts = []
    for ledger in runs(scenario, 40):
        rows = [row.mode for row in ledger.incidents if row.component_class == "service"]
        n_over = sum(row.mode == "plane" and row.outcome == "fixed" for row in ledger.incidents)
        counts.append(rows.count("storage") - n_over)
    assert abs(z_mean(counts, 3 * 20_000.0 / 300.0)) < 4
