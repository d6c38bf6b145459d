"""Running on with less: repairs that wait for a stop, narrowed nodes that are drained, parts that are taken out of use."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from ras_sim.job.parallelism import Layout
from ras_sim.ledger import Ledger
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    at,
    exponential,
    faults_of,
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
from tests.small import play as small_play


def degraded(**keys: Any) -> dict[str, Any]:
    return {"degraded": {**keys, **SOURCE}}


def fix(duration: Any = "1 h", **keys: Any) -> dict[str, Any]:
    return rung(duration, **{"takes_down": "unit", "age_kept": 0.0, **keys})


def play(policy: dict[str, Any], modes: dict[str, Any], horizon_h: float = 40.0, **changes: Any) -> Ledger:
    """Two nodes, and a repair of an hour."""
    return small_play(modes, 2, horizon_h, **{"repair": ladder({"fix": fix()}, policy=policy), **changes})


SLOW = {"slow": at(10.0, "slow", speed=0.8)}


def test_a_repair_waits_for_the_next_stop() -> None:
    """Both nodes slow from 10 on and mended in the stop that another fault makes at 30: no stop of their own."""
    crash = at(30.0)
    ledger = play(degraded(defer_from=0.5), {**SLOW, "crash": crash}, nodes=1, job_nodes=1)
    same = hours(ledger)
    assert same == pytest.approx({"productive": 10 + 20 * 0.8 + 9, "degraded": 4.0, "repair": 1.0})
    slow, crashed = (faults_of(ledger, name)[0] for name in ("slow", "crash"))
    assert (slow.detected_h, slow.held_h, slow.closed_h) == pytest.approx((10.0, 30.0, 31.0))
    assert (slow.n_interruptions, crashed.n_interruptions) == (0, 1)


@pytest.mark.parametrize(("until", "mended_h"), [("next_stop", 20.0), ("planned_stop", 25.0)])
def test_what_it_waits_for(until: str, mended_h: float) -> None:
    """A crash at 20 or a planned stop at 25: from then on the job is at full speed again."""
    modes = {**SLOW, "crash": at(20.0, "crash")}
    planned = {"release": {"every": "25 h", "duration": "1 h", **SOURCE}}
    ledger = play(degraded(defer_from=0.5, until=until), modes, nodes=1, job_nodes=1, job__planned=planned)
    (row,) = faults_of(ledger, "slow")
    assert row.held_h == pytest.approx(mended_h)


def test_a_part_that_waits_for_replacement_goes_with_its_unit() -> None:
    modes = {**SLOW, "crash": at(20.0, "crash")}
    renew = ladder({"fix": fix(replaces=True)}, policy=degraded(defer_from=0.5, until="replaced"))
    ledger = play({}, modes, nodes=1, job_nodes=1, repair=renew)
    (row,) = faults_of(ledger, "slow")
    assert (row.outcome, row.closed_h, row.n_attempts) == ("fixed", pytest.approx(21.0), 0)
    assert hours(ledger)["degraded"] == pytest.approx(0.2 * 10)


def test_no_longer_than_at_most() -> None:
    """Slow from 10 to 15, then a stop of its own: it saves at no cost, an hour of repair."""
    ledger = play(degraded(defer_from=0.5, at_most="5 h"), SLOW, nodes=1, job_nodes=1)
    assert hours(ledger) == pytest.approx({"productive": 10 + 5 * 0.8 + 24, "degraded": 1.0, "repair": 1.0})


@pytest.mark.parametrize(("speed", "waits"), [(0.8, True), (0.79, False)])
def test_too_slow_to_wait(speed: float, waits: bool) -> None:
    ledger = play(degraded(defer_from=0.8), {"slow": at(10.0, "slow", speed=speed)})
    assert (faults_of(ledger, "slow")[0].outcome == "deferred") == waits


def test_a_node_that_waits_is_in_service() -> None:
    from ras_sim.metrics import measure

    assert measure(play(degraded(defer_from=0.5), SLOW)).gpu_availability == 1.0


@pytest.mark.parametrize("per_stop_h", [5.0, 20.0, 45.0])
def test_hours_lost_while_waiting(per_stop_h: float) -> None:
    """Stops come as a Poisson process of the other node: a slow part waits 1/lambda on average, at a cost of 1 - s of it."""
    speed, n = 0.75, 300
    horizon_h = 10.0 + 20 * per_stop_h
    slow = {"slow": at(10.0, "slow", speed=speed), "crash": mode(lifetime=exponential(2 * per_stop_h))}
    scenario = small(
        horizon_h, nodes=2, job_nodes=2, failures={"node": slow},
        repair=ladder({"fix": fix(0)}, policy=degraded(defer_from=0.5)),
    )  # fmt: skip
    waits = [faults_of(ledger, "slow")[0].held_h - 10.0 for ledger in runs(scenario, n)]
    assert abs(z_mean(waits, per_stop_h)) < 4
    lost = [hours(ledger)["degraded"] for ledger in runs(scenario, n)]
    assert abs(z_mean(lost, (1 - speed) * per_stop_h)) < 4


# ---------------------------------------------------------------------- narrowed nodes


def _cluster(drain_below: float, spares: int = 1, meanwhile: str = "swap") -> Scenario:
    """Two nodes of a fat tree whose NICs have two links; one link is cut at hour 10 and takes a day to mend."""
    cut = {**at(10.0, "crash"), "clock": "calendar"}
    machine = {"kind": "hgx", "nodes": 2 + spares, "homing": 2, "nodes_per_pod": 8, "spines": 1}
    return small(
        100.0,
        machine=machine,
        job__gpus=16,
        job__spares__nodes=spares,
        job__spares__swap="30 min",
        job__checkpoints={"disk": {**tier(1.0), "survives": "fix"}},
        job__parallel={"tensor": 8, "pipeline": 1, "exposed": {"data": 0.25}, **SOURCE},
        failures={"link": {"cut": cut}},
        repair=ladder({"fix": fix("24 h", meanwhile=meanwhile)}, policy=degraded(drain_below=drain_below)),
    )


def _one_cut(scenario: Scenario) -> Scenario:
    """Only one of the links fails: that of a shock under one node, on one link of 16."""
    tree = scenario.resolved()
    tree["failures"]["link"]["cut"] = {k: v for k, v in mode().items()} | {"clears_at": {"fix": 1.0}}
    tree["shocks"] = {
        "digger": {"every": {"kind": "deterministic", "value": "10 h"}, "under": "machine",
                   "strikes": "link.cut", "p_struck": 0.02, **SOURCE}
    }  # fmt: skip
    tree["horizon"] = "19 h"
    return Scenario.model_validate(tree)


@pytest.mark.parametrize("drains", [False, True])
def test_a_narrowed_node_is_drained(drains: bool) -> None:
    """At half the bandwidth a job that waits a quarter of a step runs at 1 / 1.25 until the link is mended, or until a spare
    has taken the place of the node."""
    speed = 1.0 / 1.25
    scenario = _one_cut(_cluster(0.9 if drains else 0.5))
    ledgers = [one for one in runs(scenario, 60) if len(one.incidents) == 1 and one.incidents[0].node < 2]
    assert len(ledgers) > 5
    for ledger in ledgers:
        got = hours(ledger)
        if drains:
            assert got == pytest.approx({"productive": 18.5, "swap": 0.5})
            assert ledger.incidents[0].job_effect == "drained"
        else:
            assert got == pytest.approx({"productive": 10 + 9 * speed, "degraded": 9 * (1 - speed)})


def test_without_spares_the_job_runs_on() -> None:
    scenario = _one_cut(_cluster(0.9, spares=0))
    for ledger in runs(scenario, 20):
        assert set(hours(ledger)) <= {"productive", "degraded"}


# ---------------------------------------------------------------------- parts out of use

N_BANKS, SHARE = 8, 0.2


def _banks(at_most: int, rate_per_h: float, until: str = "replaced", **keys: Any) -> Scenario:
    """Nodes of eight banks; a faulty one is mapped out until so many are, then the node is replaced. No time passes."""
    return small(
        keys.pop("horizon_h", 1000.0),
        machine={"kind": "hgx", "nodes": 4, "dimms_per_node": N_BANKS, "gpus_per_node": 1, "gpus_per_reset_domain": 1},
        job__gpus=4,
        job__parallel={"tensor": 1, "pipeline": 1, "exposed": {"memory": SHARE}, **SOURCE},
        job__checkpoints={"disk": {**tier(1.0), "survives": "rma"}},
        failures={"dimm": {"due": mode(rate=per_h(rate_per_h), clears_at={"rma": 1.0})}},
        repair=ladder(
            {
                "map_out": rung(0, takes_down="node", disables=True, at_most=at_most),
                "rma": rung(0, takes_down="unit", replaces=True),
            },
            policy=degraded(defer_from=0.0, until=until),
            units={"dimm": "node"},
        ),
        **keys,
    )  # fmt: skip


@pytest.mark.parametrize("at_most", [1, 2, 5])
def test_every_so_manyth_fault_is_an_rma(at_most: int) -> None:
    """Banks that are out of use do not fail again, so the k-th fault of a node has rate (n - k) times that of a bank; the
    one after `at_most` replaces the node, and all its banks with it."""
    rate = 2e-3
    counts = []
    for ledger in runs(_banks(at_most, rate), 150):
        tries = Counter(attempt.rung for attempt in ledger.attempts)
        counts.append(tries["rma"])
        by_node: dict[int, int] = {}
        node_of = {row.incident_id: row.node for row in ledger.incidents}
        for attempt in ledger.attempts:
            node = node_of[attempt.incident_id]
            n = by_node.get(node, 0)
            assert attempt.rung == ("rma" if n == at_most else "map_out")
            by_node[node] = 0 if attempt.rung == "rma" else n + 1
    # Renewals of a sum of at_most + 1 exponential times, counted by a brute-force twin.
    generator = np.random.default_rng(5)
    steps = np.array([1.0 / (rate * (N_BANKS - k)) for k in range(at_most + 1)])
    cycles = generator.exponential(steps, size=(4 * 4000, 120, at_most + 1)).sum(axis=2).cumsum(axis=1)
    expected = 4 * float((cycles < 1000.0).sum(axis=1).mean())
    assert abs(z_mean(counts, expected)) < 4


def test_the_speed_with_banks_out_of_use() -> None:
    """With n of k banks the traffic that waits for memory takes k / (k - n) as long; the slowest node sets the pace."""
    layout = Layout(1, 1, 4, 1, {"memory": SHARE}, 1)
    for ledger in runs(_banks(5, 1e-3), 20):
        lost: dict[int, int] = {}
        since, expected = 0.0, 0.0
        node_of = {row.incident_id: row.node for row in ledger.incidents}
        for attempt in [*ledger.attempts, None]:
            now = ledger.horizon_h if attempt is None else attempt.end_h
            worst = max(lost.values(), default=0)
            expected += (now - since) * (1.0 - layout.speed((N_BANKS - worst) / N_BANKS, "memory"))
            since = now
            if attempt is not None:
                node = node_of[attempt.incident_id]
                lost[node] = 0 if attempt.rung == "rma" else lost.get(node, 0) + 1
        assert hours(ledger).get("degraded", 0.0) == pytest.approx(expected, rel=1e-9)


def test_banks_are_mended_at_a_planned_stop() -> None:
    planned = {"release": {"every": "100 h", "duration": "1 h", **SOURCE}}
    for ledger in runs(_banks(5, 5e-4, until="planned_stop", horizon_h=450.0, job__planned=planned), 20):
        stops = [row.arrive_h for row in ledger.incidents if row.symptom == "planned"]
        for row in ledger.incidents:
            if row.symptom == "slow" and not math.isnan(row.closed_h) and row.n_attempts:
                assert any(row.held_h == pytest.approx(stop) for stop in stops)


def test_the_hours_still_sum_to_the_horizon() -> None:
    for ledger in runs(_banks(2, 2e-3), 10):
        assert sum(hours(ledger).values()) == pytest.approx(ledger.horizon_h, rel=1e-12)
