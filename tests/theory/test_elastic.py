"""Smaller widths: shrinking and growing, replicas that leave the step, warm nodes, spares that fit in their group only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.cluster import Cluster
from ras_sim.engine import simulate
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.metrics import measure
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    at,
    exponential,
    faults_of,
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
from tests.small import play as small_play


def elastic(min_replicas: int = 1, grow: str = "at_once", **keys: Any) -> dict[str, Any]:
    return {"min_replicas": min_replicas, "reconfigure": 0, "grow": grow, **keys, **SOURCE}


def replace(duration: Any = 0, **keys: Any) -> dict[str, Any]:
    """A repair that takes the node out, while the job goes on without it if it can."""
    return rung(duration, **{"takes_down": "unit", "meanwhile": "swap", "age_kept": 0.0, **keys})


# ---------------------------------------------------------------------- shrink and grow


def mean_width(n_nodes: int, full: int, per_replica: int, rate: float, mttr_h: float, horizon_h: float) -> float:
    """Time mean of E[min(full, floor((n - D) / m))] / full, D binomial: every node is down for itself, all up at 0."""
    times = np.linspace(0.0, horizon_h, 4001)
    total = rate + 1.0 / mttr_h
    p_down = rate / total * (1.0 - np.exp(-total * times))
    down = np.arange(n_nodes + 1)
    width = np.minimum(full, (n_nodes - down) // per_replica) / full
    expected = stats.binom.pmf(down[None, :], n_nodes, p_down[:, None]) @ width
    return float(np.trapezoid(expected, times) / horizon_h)


@pytest.mark.parametrize(
    ("replicas", "per_replica", "spares", "mttr_h"), [(4, 1, 0, 20.0), (4, 1, 2, 60.0), (3, 2, 1, 40.0), (2, 3, 0, 100.0)]
)
def test_width_is_a_birth_death_chain(replicas: int, per_replica: int, spares: int, mttr_h: float) -> None:
    """Changes take no time, nothing is lost: goodput is the mean width. What is left of a replica serves as spares."""
    rate, horizon_h, n_job = 0.01, 400.0, replicas * per_replica
    scenario = small(
        horizon_h, nodes=n_job + spares, job_nodes=n_job, job__spares__nodes=spares,
        job__parallel={"tensor": per_replica, "pipeline": 1, "exposed": {}, **SOURCE},
        job__elastic=elastic(), job__checkpoints={"disk": tier(1e-3)},
        failures={"node": {"crash": mode(rate=per_h(rate))}},
        repair=ladder({"fix": replace(exponential(mttr_h))}),
    )  # fmt: skip
    goodputs = [hours(ledger).get("productive", 0.0) / horizon_h for ledger in runs(scenario, 300)]
    expected = mean_width(n_job + spares, replicas, per_replica, rate, mttr_h, horizon_h)
    assert abs(z_mean(goodputs, expected)) < 4


def play(modes: dict[str, Any], horizon_h: float = 40.0, **changes: Any) -> Ledger:
    """Four nodes, a replica on each, no spares; a repair of 10 h."""
    return small_play(modes, 4, horizon_h, **{"repair": ladder({"fix": replace("10 h")}), **changes})


def at_ten(p_struck: float) -> dict[str, Any]:
    """A shock every ten hours that strikes each node with some probability."""
    return {"every": fixed(10.0), "under": "machine", "strikes": "node.crash", "p_struck": p_struck, **SOURCE}


def struck(ledger: Ledger) -> list[IncidentRow]:
    """The incidents that nobody planned."""
    return [row for row in ledger.incidents if row.symptom != "planned"]


def one_loss(scenario: Scenario) -> Ledger:
    """A history in which exactly one node fails, at hour 10."""
    for k in range(200):
        ledger = simulate(scenario, seed=2, replication=k)
        if len(struck(ledger)) == 1:
            return ledger
    raise AssertionError("no such history")


def losing_one(**changes: Any) -> Ledger:
    given: dict[str, Any] = {
        "nodes": 4,
        "job_nodes": 4,
        "failures": {"node": {"crash": mode()}},
        "shocks": {"at_ten": at_ten(0.25)},
        "job__checkpoints": {"disk": tier(1.0)},
        "repair": ladder({"fix": replace("6 h")}),
        **changes,
    }
    return one_loss(small(19.0, **given))


def test_shrink_and_grow_at_once() -> None:
    """Ten hours of four replicas, six of three, three of four again."""
    ledger = losing_one(job__elastic=elastic())
    assert hours(ledger) == pytest.approx({"productive": 10 + 6 * 0.75 + 3, "degraded": 1.5})
    (row,) = struck(ledger)
    assert row.n_interruptions == 1
    assert measure(ledger).planned_interruptions == 1  # the stop to grow


def test_grow_when_the_job_stops_anyway() -> None:
    ledger = losing_one(job__elastic=elastic(grow="next_stop"))
    assert hours(ledger) == pytest.approx({"productive": 10 + 9 * 0.75, "degraded": 9 * 0.25})


def test_changes_take_their_time() -> None:
    """Half an hour to shrink and half an hour to grow, start-up of a quarter each time."""
    ledger = losing_one(job__elastic=elastic(reconfigure="0.5 h"), job__initialise__base="0.25 h")
    got = hours(ledger)
    assert (got["swap"], got["planned"]) == pytest.approx((0.5, 0.5))
    assert got["initialise"] == pytest.approx(0.75)
    assert sum(got.values()) == pytest.approx(19.0)


def test_below_the_least_width_it_waits() -> None:
    ledger = losing_one(job__elastic=elastic(min_replicas=4))
    assert hours(ledger) == pytest.approx({"productive": 13.0, "wait_capacity": 6.0})


def test_the_width_costs_what_its_share_is_for_any_cause() -> None:
    """The incident that made the job narrower is to blame for what it lacks."""
    ledger = losing_one(job__elastic=elastic())
    assert {row.incident_id for row in ledger.job if row.category == "degraded"} == {ledger.incidents[0].incident_id}


# ---------------------------------------------------------------------- replicas that leave the step


IN_STEP = {"drop": "0.1 h", "rejoin": "0.5 h", **SOURCE}


def test_a_replica_drops_out_and_the_others_go_on() -> None:
    """A pause of 0.1 h, then three of four replicas until 6.5 h after the fault; nothing is lost and nobody starts up."""
    ledger = losing_one(job__elastic=elastic(in_step=IN_STEP), job__initialise__base="1 h")
    assert hours(ledger) == pytest.approx(
        {"initialise": 1.0, "productive": 9.0 + 6.4 * 0.75 + 2.5, "degraded": 1.6, "detect": 0.1}
    )
    (row,) = ledger.incidents
    assert (row.job_effect, row.n_interruptions) == ("dropped", 0)


def test_a_spare_takes_the_place_in_the_step() -> None:
    """Swapped in half an hour, trains again after another half."""
    ledger = losing_one(
        nodes=5, job__spares__nodes=1, job__spares__swap="0.5 h", job__elastic=elastic(in_step={**IN_STEP, "drop": 0})
    )
    lost_h = 1.0 if ledger.incidents[0].node < 4 else 0.0
    assert hours(ledger).get("degraded", 0.0) == pytest.approx(0.25 * lost_h)


def test_too_few_replicas_left_is_a_stop() -> None:
    ledger = losing_one(job__elastic=elastic(min_replicas=4, in_step=IN_STEP))
    assert ledger.incidents[0].job_effect == "interrupted"


@pytest.mark.parametrize("mttr_h", [10.0, 50.0])
def test_mean_width_in_step(mttr_h: float) -> None:
    """The replicas are independent two-state machines: up 1/lambda, down the repair and the rejoin."""
    rate, horizon_h, full = 0.01, 400.0, 6
    scenario = small(
        horizon_h, nodes=full, job_nodes=full,
        job__elastic=elastic(in_step={"drop": 0, "rejoin": 0, **SOURCE}), job__checkpoints={"disk": tier(1.0)},
        failures={"node": {"crash": mode(rate=per_h(rate))}}, repair=ladder({"fix": replace(exponential(mttr_h))}),
    )  # fmt: skip
    ledgers = runs(scenario, 300)
    sound = [one for one in ledgers if not any(row.job_effect == "interrupted" for row in one.incidents)]
    assert len(sound) > 0.9 * len(ledgers)  # all six down at once is rare
    goodputs = [hours(one)["productive"] / horizon_h for one in ledgers]
    assert abs(z_mean(goodputs, mean_width(full, full, 1, rate, mttr_h, horizon_h))) < 4


# ---------------------------------------------------------------------- warm nodes, groups


def test_a_warm_node_becomes_a_hot_spare() -> None:
    """One hot spare and one warm node: the first loss is met by the hot one, the second waits for the warm one."""
    modes = {"crash": at(10.0)}
    warm = {"nodes": 1, "provision": "3 h", **SOURCE}
    ledger = play(
        modes, job_nodes=2, job__spares__nodes=1, job__spares__warm=warm, horizon_h=19.0,
        repair=ladder({"fix": replace("20 h")}),
    )  # fmt: skip
    levels = [(row.time_h, row.resource, row.change) for row in ledger.resources]
    assert (0.0, "warm_nodes", 1) in levels
    # All four nodes fail at 10: nobody is left, and the warm node that was called is broken when it arrives.
    assert hours(ledger) == pytest.approx({"productive": 10.0, "wait_capacity": 9.0})


def test_the_second_loss_waits_for_the_warm_node() -> None:
    cluster = Cluster(6, 2, 1, [], lambda: 0.0, n_warm=2)
    cluster.hold([0])
    assert cluster.swap_out([0]) == [2]
    assert cluster.call_warm() == 3
    assert cluster.call_warm() is None  # one is on its way, and one spare is all that is wanted
    assert cluster.replacements([1]) is None
    assert cluster.warmed(3)
    assert cluster.replacements([1]) == [3]


def test_a_warm_node_is_called_when_the_hot_spare_is_taken() -> None:
    """Nobody waits for capacity at 10 h; the warm node is made ready all the same, for the next loss."""
    warm = {"nodes": 1, "provision": "3 h", **SOURCE}
    scenario = small(
        19.0, nodes=4, job_nodes=2, job__spares={"nodes": 1, "swap": 0, "warm": warm, **SOURCE},
        failures={"node": {"crash": mode()}}, shocks={"at_ten": at_ten(0.2)}, repair=ladder({"fix": replace("20 h")}),
    )  # fmt: skip
    ledger = next(one for one in runs(scenario, 200) if [row.node for row in one.incidents] == [0])
    changes = [(row.time_h, row.resource, row.change) for row in ledger.resources if row.time_h > 0.0]
    assert changes == [(10.0, "spare_nodes", -1), (10.0, "warm_nodes", -1), (13.0, "spare_nodes", 1)]
    assert "wait_capacity" not in hours(ledger)


def test_spares_serve_their_own_group() -> None:
    """Nodes 0-2 and 3-5: one spare in each group, the last node of it."""
    cluster = Cluster(6, 4, 2, [], lambda: 0.0, group=lambda node: node // 3)
    assert [cluster.state(node) for node in range(6)] == ["in_job", "in_job", "spare", "in_job", "in_job", "spare"]
    assert cluster.replacements([0]) == [2]
    assert cluster.replacements([3]) == [5]
    assert cluster.replacements([0, 1]) is None
    assert cluster.replacements([0, 3]) == [2, 5]


def two_racks(within: str | None, **changes: Any) -> Scenario:
    """Two racks of three nodes, four of the six in the job; at 10 h each fails with probability 1/2, for good."""
    spares: dict[str, Any] = {"nodes": 2, "swap": 0, **SOURCE} | ({"within": within} if within else {})
    machine = {"kind": "hgx", "nodes": 6, "gpus_per_node": 1, "gpus_per_reset_domain": 1, "nodes_per_rack": 3}
    return small(
        19.0, machine=machine, job__gpus=4, job__spares=spares, job__checkpoints={"disk": tier(1.0)},
        failures={"node": {"crash": mode()}}, shocks={"at_ten": at_ten(0.5)}, repair=ladder({"fix": replace("20 h")}),
        **changes,
    )  # fmt: skip


@pytest.mark.parametrize("within", [None, "rack"])
def test_what_it_costs_that_spares_fit_in_their_rack_only(within: str | None) -> None:
    """Two racks of three nodes, one spare each: two losses at once in one rack are met by both spares, or by one."""
    waited = 0
    for ledger in runs(two_racks(within), 200):
        struck = {row.node for row in ledger.incidents}
        job, spare = (({0, 1, 3, 4}, {2, 5}) if within else ({0, 1, 2, 3}, {4, 5}))
        if within:
            lacking = any(len(struck & rack & job) > len((rack & spare) - struck) for rack in ({0, 1, 2}, {3, 4, 5}))
        else:
            lacking = len(struck & job) > len(spare - struck)
        assert ("wait_capacity" in hours(ledger)) == lacking
        waited += lacking
    assert 20 < waited < 180


@pytest.mark.parametrize("within", [None, "rack"])
def test_the_width_that_spares_of_other_racks_do_not_fill(within: str | None) -> None:
    """The same with a job that shrinks: the width at the end is that of the nodes that fit, counted by hand."""
    racks, widths = ({0, 1, 2}, {3, 4, 5}), set[int]()
    for ledger in runs(two_racks(within, job__elastic=elastic()), 200):
        struck = {row.node for row in ledger.incidents}
        width = sum(min(2, len(rack - struck)) for rack in racks) if within else min(4, 6 - len(struck))
        total = hours(ledger)
        if width == 0:
            assert total["wait_capacity"] == pytest.approx(9.0)
        else:
            assert total["productive"] == pytest.approx(10.0 + 9.0 * width / 4)
        widths.add(width)
    assert len(widths) > 3


def test_faults_of_dropped_replicas_keep_the_horizon() -> None:
    ledger = play({"crash": mode(rate=per_h(0.02))}, 400.0, job__elastic=elastic(in_step=IN_STEP))
    assert sum(hours(ledger).values()) == pytest.approx(400.0, rel=1e-12)
    assert faults_of(ledger, "crash")


@pytest.mark.parametrize(("first_h", "provision_h"), [(10.0, 3.0), (10.0, 7.0)])
def test_how_long_the_second_loss_waits(first_h: float, provision_h: float) -> None:
    """Both nodes of the job fail at one instant: one spare is hot, the other is ready after `provision`."""
    warm = {"nodes": 1, "provision": h(provision_h), **SOURCE}
    scenario = small(
        19.0, nodes=4, job_nodes=2, job__spares={"nodes": 1, "swap": 0, "warm": warm, **SOURCE},
        job__checkpoints={"disk": tier(1.0)}, failures={"node": {"crash": mode()}}, shocks={"at_ten": at_ten(0.5)},
        repair=ladder({"fix": replace("20 h")}),
    )  # fmt: skip
    for ledger in runs(scenario, 200):
        if {row.node for row in ledger.incidents} == {0, 1}:
            assert hours(ledger)["wait_capacity"] == pytest.approx(provision_h)
            return
    raise AssertionError("no such history")


# ---------------------------------------------------------------------- whenever nodes are back


def test_a_node_that_comes_back_during_start_up_lets_the_job_grow_when_it_runs() -> None:
    """Mended after half an hour of the hour of start-up: one more start-up, at full width, and nothing is degraded."""
    ledger = losing_one(
        job__elastic=elastic(), job__initialise__base="1 h", repair=ladder({"fix": replace("0.5 h")})
    )
    assert hours(ledger) == pytest.approx({"initialise": 3.0, "productive": 16.0})
    assert measure(ledger).planned_interruptions == 1


@pytest.mark.parametrize("stop", ["planned", "preempted"])
def test_a_job_that_grows_at_the_next_stop_grows_at_any(stop: str) -> None:
    """Mended at 13, at full width from the stop at 15 on."""
    keys: dict[str, dict[str, Any]] = {
        "planned": {"job__planned": {"up": {"every": fixed(15.0), "duration": "0.5 h", **SOURCE}}},
        "preempted": {"job__preemptions": {"up": {"every": fixed(15.0), "lasts": "0.5 h", "notice": 0, **SOURCE}}},
    }
    ledger = losing_one(job__elastic=elastic(grow="next_stop"), repair=ladder({"fix": replace("3 h")}), **keys[stop])
    assert hours(ledger)["degraded"] == pytest.approx(5 * 0.25)


def test_a_pause_that_becomes_a_stop_ends_once() -> None:
    """The unit is a rack of two nodes: too few replicas would be left, and all stop while the others still pause."""
    scenario = small(
        60.0,
        machine={"kind": "hgx", "nodes": 4, "nodes_per_rack": 2, "nodes_per_pod": 4, "spines": 2},
        job__gpus=32,
        job__parallel={"tensor": 8, "pipeline": 1, "exposed": {}, **SOURCE},
        job__elastic=elastic(min_replicas=3, in_step={"drop": "0.3 h", "rejoin": "0.5 h", **SOURCE}),
        failures={"gpu": {"crash": mode(rate=per_h(0.002))}},
        job__checkpoints={"disk": tier(1.0)},
        repair={**ladder({"fix": replace("6 h")}), "units": {"gpu": "rack"}},
    )
    ledgers = runs(scenario, 12)
    assert any(row.job_effect == "interrupted" for ledger in ledgers for row in ledger.incidents)
    for ledger in ledgers:
        assert sum(hours(ledger).values()) == pytest.approx(60.0, rel=1e-12)


def test_the_job_goes_on_when_replicas_enough_are_whole_again() -> None:
    """Three of four must be left. One is out for 2 h, a second one fails an hour later, for long: all stop for that hour."""
    scenario = small(
        19.0, nodes=4, job_nodes=4,
        job__elastic=elastic(min_replicas=3, in_step={"drop": 0, "rejoin": 0, **SOURCE}),
        job__checkpoints={"disk": tier(1.0)},
        failures={"node": {"short": mode(clears_at={"fix": 1.0}), "long": mode(clears_at={"rma": 1.0})}},
        shocks={
            "ten": {"every": fixed(10.0), "under": "machine", "strikes": "node.short", "p_struck": 0.25, **SOURCE},
            "eleven": {"every": fixed(11.0), "under": "machine", "strikes": "node.long", "p_struck": 0.25, **SOURCE},
        },
        repair=ladder(
            {"fix": replace("2 h"), "rma": replace("20 h")}, policy={"start": {"default": "fix", "node.long": "rma"}}
        ),
    )  # fmt: skip
    for ledger in runs(scenario, 400):
        nodes = [row.node for row in ledger.incidents]
        if [row.mode for row in ledger.incidents] == ["short", "long"] and len(set(nodes)) == 2:
            assert hours(ledger)["wait_capacity"] == pytest.approx(1.0)
            return
    raise AssertionError("no such history")


@pytest.mark.parametrize("mended_before", [False, True])
def test_who_waits_for_a_node_that_is_swapped_out_waits_no_longer(mended_before: bool) -> None:
    """Node 0 crashes at 10 and drops out of the step; at 11 it throws an exception that is retried for 20 h, and holds the
    job; at 15 a spare takes its place. A slow fault that was mended long before changes nothing."""
    modes = {
        "crash": mode(lifetime=fixed(1000.0), clears_at={"board": 1.0}),
        "write": mode(lifetime=fixed(1001.0), symptoms={"exception": 1.0}, clears_at={"retry": 1.0}),
    }
    if mended_before:
        modes["slow"] = mode(lifetime=fixed(995.0), symptoms={"slow": 1.0}, speed=0.9, clears_at={"renew": 1.0})
    rungs = {
        "retry": rung(fixed(20.0), takes_down="operation"),
        "renew": rung(0, takes_down="node", age_kept=0.0),
        "reset": rung(fixed(5.0), takes_down="node"),
        "board": rung(fixed(30.0), takes_down="unit", meanwhile="swap"),
    }
    start = {"default": "reset", "exception": "retry", "slow": "renew"}
    ledger = simulate(
        small(
            25.0, nodes=4, job_nodes=3, job__spares={"nodes": 1, "swap": 0, **SOURCE},
            job__checkpoints={"disk": tier(1.0, survives="board")},
            job__elastic=elastic(grow="next_stop", in_step={"drop": 0, "rejoin": 0, **SOURCE}),
            failures={"node": modes}, fleet__batches={"old": {"first": 0, "count": 1, "start_age": h(990.0), **SOURCE}},
            repair=ladder(rungs, policy={"start": start}),
        ),
        seed=1, replication=0,
    )  # fmt: skip
    assert hours(ledger) == pytest.approx({"productive": 25.0 - 4.0 - 1 / 3, "repair": 4.0, "degraded": 1 / 3})


def test_a_warm_node_that_fails_while_it_is_made_ready_is_counted_once() -> None:
    rows: list[Any] = []
    cluster = Cluster(4, 2, 1, rows, lambda: 0.0, n_warm=1)
    cluster.hold([0])
    cluster.swap_out([0])
    assert cluster.call_warm() == 3
    cluster.hold([3])
    assert cluster.release([3]) == 1  # mended: it is a spare, and will not become one again
    assert not cluster.warmed(3)
    assert cluster.n_spares == 1
    assert sum(row.change for row in rows if row.resource == "spare_nodes") == 1
