"""How many are hit: containment in a coherent domain, common-cause shocks, and fabrics that are only slowed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from ras_sim.metrics import measure
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    exponential,
    fixed,
    h,
    hours,
    ladder,
    mode,
    p_chi_square,
    per_h,
    rung,
    runs,
    small,
    tier,
    z_mean,
)


def hgx(
    horizon_h: float, nodes: int, job_nodes: int, machine: dict[str, Any] | None = None, **changes: Any
) -> Scenario:
    kind = {"kind": "hgx", "nodes": nodes, "nodes_per_pod": 4, "spines": 2, **(machine or {})}
    return small(horizon_h, job_nodes=8 * job_nodes, machine=kind, **changes)


@pytest.mark.parametrize("p_spread", [0.0, 0.05, 0.3, 0.8, 1.0])
def test_gpus_that_share_memory_are_hit_each_by_chance(p_spread: float) -> None:
    """Of the seven others of the node each is hit with probability p, on its own: binomial."""
    fault = mode(rate=per_h(0.01), spreads={"shares_memory": p_spread})
    ledger = simulate(hgx(200.0, 128, 1, failures={"gpu": {"due": fault}}), seed=51, replication=0)
    others = [row.n_gpus_hit - 1 for row in ledger.incidents]
    if p_spread in (0.0, 1.0):
        assert set(others) == {7 * int(p_spread)}
    else:
        assert p_chi_square(others, stats.binom.pmf(np.arange(8), 7, p_spread)) > 6e-5
    assert {row.n_nodes_hit for row in ledger.incidents} == {1}


def struck_by(ledger: Ledger) -> list[int]:
    """How many parts were struck at each instant."""
    return list(Counter(row.arrive_h for row in ledger.incidents).values())


@pytest.mark.parametrize("p_struck", [0.2, 0.7, 1.0])
def test_a_shock_strikes_each_part_by_chance(p_struck: float) -> None:
    """Racks of 16 nodes: the number struck is binomial; shocks come at their rate, those that strike nobody unseen."""
    failures = {"node": {"power": {"symptoms": {"crash": 1.0}, "clears_at": {"fix": 1.0}, **SOURCE}}}
    shock = {
        "every": exponential(50.0),
        "under": "rack",
        "strikes": "node.power",
        "p_struck": p_struck,
        **SOURCE,
    }
    scenario = hgx(
        400.0, 160, 1, {"nodes_per_rack": 16, "nodes_per_pod": 16}, failures=failures, shocks={"feed": shock}
    )
    ledgers = runs(scenario, 10)
    law = stats.binom.pmf(np.arange(17), 16, p_struck)
    struck = [n for ledger in ledgers for n in struck_by(ledger)]
    if p_struck == 1.0:
        assert set(struck) == {16}
    else:
        assert p_chi_square([n - 1 for n in struck], (law[1:] / law[1:].sum()).tolist()) > 6e-5
    counts = [len(struck_by(ledger)) for ledger in ledgers]
    expected = 10 * 400.0 / 50.0 * (1 - law[0])
    assert abs(sum(counts) - 10 * expected) / (10 * expected) ** 0.5 < 4.0
    racks = Counter(row.instance // 16 for ledger in ledgers for row in ledger.incidents)
    assert len(racks) == 10


def test_more_shocks_on_more_parts_keep_every_strike_as_it_was() -> None:
    """Twice the rate and twice the reach: what struck before strikes a part sooner, with the same symptom and need."""
    fault = {"symptoms": {"crash": 0.5, "hang": 0.5}, "clears_at": {"fix": 0.5, "renew": 0.5}, **SOURCE}
    struck = []
    for factor in (1, 2):
        shock = {"every": exponential(400.0 / factor), "under": "rack", "strikes": "node.power", **SOURCE}
        scenario = hgx(
            200.0,
            160,
            1,
            {"nodes_per_rack": 16, "nodes_per_pod": 16},
            failures={"node": {"power": fault}},
            shocks={"feed": {**shock, "p_struck": 0.3 * factor}},
            repair=ladder({"fix": rung(), "renew": rung()}),
        )
        ledger = simulate(scenario, seed=52, replication=0)
        first = {}
        for row in ledger.incidents:
            first.setdefault((row.instance // 16), []).append(row)
        struck.append(
            {
                (rack, row.instance): (row.arrive_h * factor, row.symptom, row.needs_rung)
                for rack, rows in first.items()
                for row in rows
                if row.arrive_h == rows[0].arrive_h
            }
        )
    few, many = struck
    kept = [place for place in few if place in many and many[place][0] == pytest.approx(few[place][0])]
    assert len(kept) >= 10
    assert all(many[place][1:] == few[place][1:] for place in kept)


@pytest.mark.parametrize("mean_h", [5.0, 40.0])
def test_nodes_down_after_shocks_are_a_batch_queue(mean_h: float) -> None:
    """Batches of b at rate v, each node down for r on average: v b r are down (infinite server)."""
    failures = {"node": {"power": {"symptoms": {"crash": 1.0}, "clears_at": {"fix": 1.0}, **SOURCE}}}
    shock = {
        "every": exponential(2000.0),
        "under": "rack",
        "strikes": "node.power",
        "p_struck": 1.0,
        **SOURCE,
    }
    scenario = hgx(
        600.0,
        400,
        1,
        {"nodes_per_rack": 4},
        failures=failures,
        shocks={"feed": shock},
        repair=ladder({"fix": rung(exponential(mean_h), takes_down="node")}),
    )
    down = [sum(row.outcome == "open" for row in ledger.incidents) for ledger in runs(scenario, 80)]
    # A rack that is struck again while it is down is not counted twice: of order r / 2000, far below the error.
    assert abs(z_mean(down, 100 / 2000.0 * 4 * mean_h)) < 4.0


def dead_rail() -> Scenario:
    """Two nodes of two rails serve until hour 20, when both crash and two spares take over until hour 40.

    A NIC that dies (never detected) leaves its node one rail of two; data-parallel traffic, 20 % of a step, then takes
    twice as long: speed 1 / 1.2.
    """
    crash = mode(lifetime=fixed(1000.0), start_age=h(980.0), clock="in_job", clears_at={"swap": 1.0})
    dead = mode(rate=per_h(0.004), symptoms={"hang": 1.0}, clears_at={"swap": 1.0})
    return small(
        40.0,
        machine={
            "kind": "hgx", "nodes": 4, "gpus_per_node": 2, "gpus_per_reset_domain": 2, "nodes_per_pod": 2,
            "spines": 1, "nic_loss": "slow",
        },
        job_nodes=4,
        job__parallel={"tensor": 1, "pipeline": 1, "exposed": {"data": 0.2}, **SOURCE},
        job__spares={"nodes": 2, "swap": 0, **SOURCE},
        job__checkpoints={"disk": tier(1.0, survives="swap")},
        detection__hang="500 h",
        failures={"nic": {"dead": dead}, "software": {"crash": crash}},
        repair=ladder(
            {"swap": rung("100 h", takes_down="unit", meanwhile="swap", age_kept=0.0)}, units={"software": "node"}
        ),
    )  # fmt: skip


def test_a_dead_rail_slows_the_job_only_while_its_node_serves() -> None:
    """Histories with one dead NIC: in a node that serves until hour 20, or in a spare that serves from then on."""
    seen = Counter[bool]()
    for ledger in runs(dead_rail(), 150):
        dead = [row for row in ledger.incidents if row.component_class == "nic"]
        if len(dead) != 1:
            continue
        (row,) = dead
        assert (row.n_nodes_hit, row.speed) == (0, pytest.approx(1 / 1.2))
        first = row.instance < 4
        slow_h = max(0.0, 20.0 - row.arrive_h) if first else 40.0 - max(20.0, row.arrive_h)
        assert hours(ledger).get("degraded", 0.0) == pytest.approx(slow_h * (1 - 1 / 1.2))
        seen[first] += row.arrive_h < 20.0
    assert min(seen[True], seen[False]) >= 5


def test_a_node_under_repair_is_out_with_all_its_gpus() -> None:
    """One GPU of 32 is replaced in 16 h, its node held meanwhile: 8 GPUs are out, not one."""
    steps = {"fix": rung("16 h", takes_down="unit", replaces=True, meanwhile="swap")}
    scenario = hgx(100.0, 4, 1, failures={"gpu": {"due": mode(rate=per_h(3e-4))}}, repair=ladder(steps))
    single = [ledger for ledger in runs(scenario, 20) if len(ledger.incidents) == 1]
    assert len(single) > 3
    for ledger in single:
        (row,) = ledger.incidents
        out_h = min(row.arrive_h + 16.0, 100.0) - row.arrive_h
        assert (row.n_gpus_hit, row.n_gpus_out) == (1, 8)
        assert measure(ledger).gpu_availability == pytest.approx(1 - 8 * out_h / (32 * 100))
