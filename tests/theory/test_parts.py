"""The shelf, against inventory theory: orders of many, parts dead on arrival, units that come back; and wide units.

Sources: Zipkin, "Foundations of Inventory Management" (2000), sec. 6.2 (policy (r, q)); Sherbrooke, "Optimal Inventory
Modeling of Systems" (2004), ch. 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from ras_sim.metrics.cost import units_taken
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, exponential, fixed, h, ladder, mode, per_h, rung, runs, small, z_mean
from tests.theory.test_queues import waits

pytestmark = pytest.mark.slow  # statistics over many lives


def stocked(horizon_h: float, faults_per_h: float, n: int = 20_000, **part: Any) -> Scenario:
    """Nodes that fail without memory and take no time to exchange, once there is a part."""
    return small(
        horizon_h,
        nodes=n,
        failures={"node": {"crash": mode(rate=per_h(faults_per_h / n))}},
        repair=ladder({"fix": rung(0, takes_down="node", part=True)}, parts={"node": {**part, **SOURCE}}),
    )


@pytest.mark.parametrize(
    ("point", "quantity", "demand"), [(0, 3, 1.0), (2, 4, 3.0), (5, 2, 4.0), (1, 10, 2.5)]
)
def test_stock_outs_with_orders_of_many(point: int, quantity: int, demand: float) -> None:
    """The position is uniform on point + 1 .. point + quantity: P(wait) = mean over it of P(Poisson(lam L) >= position).

    Waiting per part by Little's law: E[wait] = mean over the position y of E[(X - y)+] / lam.
    """
    lead_h = 30.0
    rate = demand / lead_h
    keys = {
        "reorder_point": point,
        "order_quantity": quantity,
        "stock": point + quantity,
        "lead_time": h(lead_h),
    }
    fractions, means = waits(runs(stocked(8000.0, rate, **keys), 24), 600.0, 7600.0)
    positions = np.arange(point + 1, point + quantity + 1)
    k = np.arange(200)
    law = stats.poisson.pmf(k, demand)
    assert abs(z_mean(fractions, stats.poisson.sf(positions - 1, demand).mean())) < 4.0
    backorders = np.mean([(np.maximum(k - y, 0) * law).sum() for y in positions])
    assert abs(z_mean(means, backorders / rate)) < 4.0


@pytest.mark.parametrize("lead", [fixed(40.0), exponential(40.0)], ids=["fixed", "exponential"])
def test_orders_one_by_one_are_orders_of_one_below_the_stock(lead: Any) -> None:
    """Base stock is the policy (stock - 1, 1), to the last bit."""
    plain = stocked(2000.0, 0.1, 50, stock=3, lead_time=lead)
    stated = stocked(2000.0, 0.1, 50, stock=3, lead_time=lead, reorder_point=2, order_quantity=1)
    assert repr(simulate(plain, seed=2, replication=1)) == repr(simulate(stated, seed=2, replication=1))


# ---------------------------------------------------------------------- parts that do not work


def parts_per_fault(ledgers: list[Ledger], warm_h: float) -> list[float]:
    """Parts taken for one incident that is closed, after a warm-up, of each run."""
    found = []
    for ledger in ledgers:
        numbers = {
            row.incident_id for row in ledger.incidents if row.arrive_h > warm_h and row.outcome == "fixed"
        }
        found.append(sum(row.incident_id in numbers for row in ledger.parts) / len(numbers))
    return found


@pytest.mark.parametrize("p_doa", [0.05, 0.3, 0.6])
def test_parts_dead_on_arrival_cost_another_part(p_doa: float) -> None:
    """Until one works: geometric, mean 1 / (1 - p)."""
    ledgers = runs(stocked(3000.0, 0.1, 300, stock=50, lead_time="1 h", doa=p_doa), 24)
    assert abs(z_mean(parts_per_fault(ledgers, 0.0), 1.0 / (1.0 - p_doa))) < 4.0
    dead = [np.mean([row.condition == "dead" for row in ledger.parts]) for ledger in ledgers]
    assert abs(z_mean(dead, p_doa)) < 4.0
    assert {row.outcome for row in ledgers[0].attempts} == {"fixed", "failed"}


@pytest.mark.parametrize(("missed", "turn_h"), [(0.1, 10.0), (0.4, 100.0), (0.7, 10.0)])
def test_units_that_come_back_with_their_fault(missed: float, turn_h: float) -> None:
    """x parts for a fault put x faulty units on the way back, of which m x come back and are taken: x - 1 = m x."""
    returns = {"turn_round": h(turn_h), "no_fault_found": missed}
    scenario = stocked(8000.0, 0.1, 300, stock=3, lead_time="5 h", returns=returns)
    ledgers = runs(scenario, 24)
    assert abs(z_mean(parts_per_fault(ledgers, 3000.0), 1.0 / (1.0 - missed))) < 4.0
    assert {row.condition for row in ledgers[0].parts} == {"sound", "faulty"}


def test_a_good_part_that_did_not_help_comes_back_too() -> None:
    """Exchanged in vain half of the time: of the units of a fault one is faulty and scrapped, the others come back good."""
    returns = {"turn_round": "1 h", "no_fault_found": 0.0}
    part = {"stock": 5, "lead_time": "1 h", "returns": returns, **SOURCE}
    scenario = small(
        1000.0,
        nodes=100,
        failures={"node": {"crash": mode(rate=per_h(0.001))}},
        repair=ladder({"fix": rung(0, takes_down="node", part=True, works=0.5)}, parts={"node": part}),
    )
    for ledger in runs(scenario, 3):
        sent = sum(
            row.change
            for row in ledger.resources
            if row.resource == "parts_returning.node" and row.change > 0
        )
        assert sent == len(ledger.parts) - len(ledger.incidents) > 30


def test_units_without_a_fault_come_back_sound() -> None:
    """Where a restart would have done, the unit that was exchanged is good, and the shelf orders next to nothing."""
    scenario = small(
        2000.0,
        nodes=100,
        failures={"node": {"crash": mode(rate=per_h(0.001), clears_at={"restart": 1.0})}},
        repair=ladder(
            {"restart": rung(0), "swap": rung(0, takes_down="node", part=True)},
            start="swap",
            parts={"node": {
                "stock": 2, "lead_time": "20 h", "returns": {"turn_round": "50 h", "no_fault_found": 0.0}, **SOURCE,
            }},
        ),
    )  # fmt: skip
    ledger = runs(scenario, 1)[0]
    assert {row.condition for row in ledger.parts} == {"sound", "returned"}
    n_new = sum(row.condition == "sound" for row in ledger.parts)
    assert units_taken(ledger) == {"node": n_new}  # only these are paid for
    backs = sum(row.change for row in ledger.resources if row.resource == "parts_returning.node")
    assert backs >= 0
    arrived = sum(row.change for row in ledger.resources if row.resource == "parts.node" and row.change > 0)
    returned = sum(
        -row.change for row in ledger.resources if row.resource == "parts_returning.node" and row.change < 0
    )
    assert returned > 0.9 * (len(ledger.parts) - 10)
    assert arrived - 2 - returned < 20  # what was ordered: only until enough units were on their way round


def test_a_dead_part_is_found_by_the_test() -> None:
    """Nobody sees that the part is dead, but the test does: caught, and another part does it."""
    scenario = small(
        400.0,
        nodes=40,
        failures={"node": {"crash": mode(rate=per_h(0.005))}},
        repair=ladder(
            {"fix": rung("1 h", takes_down="node", part=True, seen=0.0)},
            parts={"node": {"stock": 9, "lead_time": "1 h", "doa": 0.4, **SOURCE}},
            validation={"after": ["fix"], "duration": "1 h", "coverage": 1.0, "false_alarm": 0.0, **SOURCE},
        ),
    )
    for ledger in runs(scenario, 3):
        dead = {(row.incident_id, row.taken_h) for row in ledger.parts if row.condition == "dead"}
        caught = {(row.incident_id, row.start_h) for row in ledger.attempts if row.outcome == "caught"}
        assert dead
        assert caught == {one for one in dead if one[1] < ledger.horizon_h - 2.0} or caught <= dead
        assert {row.outcome for row in ledger.attempts} == {"fixed", "caught"}
        assert not any(row.outcome == "comes_back" for row in ledger.incidents)


def test_a_dead_part_that_nobody_finds_comes_back_and_needs_another_part() -> None:
    """After a dead part went in, a restart that would have done before does no more."""
    scenario = small(
        3000.0,
        nodes=40,
        failures={"node": {"crash": mode(rate=per_h(0.001), clears_at={"restart": 1.0})}},
        repair=ladder(
            {"restart": rung("1 h"), "fix": rung("1 h", takes_down="node", part=True, seen=0.0)},
            start="fix",
            parts={"node": {"stock": 9, "lead_time": "1 h", "doa": 0.5, **SOURCE}},
        ),
    )
    ledger = runs(scenario, 1)[0]
    returned = [row for row in ledger.incidents if row.root_id != row.incident_id]
    assert returned
    assert {row.needs_rung for row in returned} == {"fix"}


# ---------------------------------------------------------------------- a unit that is wider than the part

RACKS = {
    "kind": "nvl72",
    "racks": 2,
    "trays_per_rack": 4,
    "nvswitch_trays_per_rack": 2,
    "nvswitches_needed": 3,
}
WIDE: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "tray": ("fan", "node", 4, RACKS),
    "switch": ("nvswitch", "switch_tray", 16, RACKS),
    "board": ("psu", "node", 8, {"kind": "hgx", "nodes": 4}),
}
"""Name -> part that can be missed, unit that holds it, GPUs that hang on the unit, machine of 32 GPUs."""


N_PARTS = {"fan": 64, "nvswitch": 8, "psu": 24}


def covered(spans: list[tuple[float, float]]) -> float:
    """Hours in at least one of the spans."""
    total, until = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


@pytest.mark.parametrize("name", WIDE)
def test_healthy_neighbours_are_down_while_a_wide_unit_is_exchanged(name: str) -> None:
    """Nobody misses the part; the exchange of what holds it stops the job on its neighbours for as long as it takes."""
    cls, unit, n_gpus, machine = WIDE[name]
    for units in ({}, {cls: unit}):
        scenario = small(
            600.0,
            machine=machine,
            job_nodes=32,
            failures={cls: {"crash": mode(rate=per_h(0.003 / N_PARTS[cls]))}},
            repair=ladder({"fix": rung("10 h", takes_down="unit", technician=True, part=True)}, units=units),
        )
        n_seen = 0
        for ledger in runs(scenario, 6):
            n_seen += len(ledger.incidents)
            assert {row.n_gpus_hit for row in ledger.incidents} <= {0}
            assert {row.n_gpus_out for row in ledger.incidents} <= ({n_gpus} if units else {0})
            assert {row.component_class for row in ledger.parts} <= {units.get(cls, cls)}
            down = (
                [(row.arrive_h, min(row.arrive_h + 10.0, 600.0)) for row in ledger.incidents] if units else []
            )
            lost = sum(row.hours for row in ledger.job if row.category == "repair")
            assert lost == pytest.approx(covered(down))
        assert n_seen > 5
