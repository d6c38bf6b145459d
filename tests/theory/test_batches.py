"""Batches of nodes against closed forms: age, burn-in, day of delivery and defect, on every clock."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate

from ras_sim.distributions import Distribution, Exponential, Weibull
from ras_sim.engine import simulate
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.metrics import measure
from ras_sim.metrics.measures import check_conservation
from ras_sim.scenario.model import Scenario
from tests.small import SOURCE, counts_by_part, h, hours, mode, per_h, rung, runs, small, weibull, z_mean

pytestmark = pytest.mark.slow  # statistics over many lives

N_NODES = 300
HORIZON_H = 400.0


def batch(first: int, count: int, **keys: Any) -> dict[str, Any]:
    return {"first": first, "count": count, **keys, **SOURCE}


def defect(factor: float, *modes: str) -> dict[str, Any]:
    return {"modes": list(modes), "factor": factor, **SOURCE}


def machine(failure: dict[str, Any], batches: dict[str, Any], **changes: Any) -> Scenario:
    """A job on all nodes; repair takes no time and leaves a part as old as it was unless `changes` say otherwise."""
    changes.setdefault("repair__ladder", {"fix": rung(age_kept=1.0)})
    return small(
        HORIZON_H,
        nodes=changes.pop("nodes", N_NODES),
        job_nodes=changes.pop("job_nodes", N_NODES),
        failures={"node": {"crash": failure}},
        fleet__batches=batches,
        **changes,
    )


def struck(ledgers: list[Ledger], begin_h: float, end_h: float, nodes: range) -> list[int]:
    """Faults in those nodes within those hours, by ledger."""
    return [
        sum(begin_h <= row.arrive_h < end_h and row.instance in nodes for row in ledger.incidents)
        for ledger in ledgers
    ]


def z_poisson(counts: list[int], expected: float) -> float:
    """How many standard errors the sum of Poisson counts is off; repairs that keep the age make them exactly that."""
    total = len(counts) * expected
    return (sum(counts) - total) / math.sqrt(total)


@pytest.mark.parametrize("clock", ["calendar", "powered", "in_job"])
@pytest.mark.parametrize("shape", [0.5, 1.0, 2.5])
@pytest.mark.parametrize(("age_h", "factor"), [(0.0, 1.0), (0.0, 4.0), (300.0, 2.0)])
def test_faults_in_burn_in_and_after_it(clock: str, shape: float, age_h: float, factor: float) -> None:
    """Repairs that keep all of the age: each part fails k (H(t) - H(s)) times between the ages s and t on average.

    The batch burns in from hour 50 to 130, then the job runs. The rest ages from 0, on the job's clock from 130.
    """
    law = Weibull.from_mean(shape, 1000.0)
    keys = {"start_age": h(age_h), "joins": "50 h", "burn_in": "80 h"}
    if factor != 1.0:
        keys["defect"] = defect(factor, "node.crash")
    failure = mode(lifetime=weibull(shape, 1000.0), clock=clock, start_age="100 h")
    ledgers = runs(machine(failure, {"new": batch(200, 100, **keys)}), 40)
    new, old = range(200, 300), range(200)

    def mean(n: int, k: float, begin_h: float, end_h: float) -> float:
        return n * k * (law.cumulative_at(end_h) - law.cumulative_at(begin_h))

    assert struck(ledgers, 0.0, 50.0, new) == [0] * 40
    burnt = struck(ledgers, 50.0, 130.0, new)
    served = struck(ledgers, 130.0, HORIZON_H, new)
    assert abs(z_poisson(burnt, mean(100, factor, age_h, age_h + 80.0))) < 4.0
    assert abs(z_poisson(served, mean(100, factor, age_h + 80.0, age_h + 350.0))) < 4.0
    age_of_rest_h = 270.0 if clock == "in_job" else 400.0
    rest = struck(ledgers, 0.0, HORIZON_H, old)
    assert abs(z_poisson(rest, mean(200, 1.0, 100.0, 100.0 + age_of_rest_h))) < 4.0
    for ledger in ledgers[:5]:
        assert hours(ledger)["wait_capacity"] == pytest.approx(130.0)
        check_conservation(ledger)
        early = [row for row in ledger.incidents if row.arrive_h < 130.0]
        assert sum(row.n_interruptions for row in early) == 0  # the job is not there yet


@pytest.mark.parametrize("burn_in_h", [0.0, 24.0, 100.0])
def test_burn_in_buys_fewer_interruptions(burn_in_h: float) -> None:
    """With a falling hazard the job meets H(b + T) - H(b) faults of each part instead of H(T)."""
    law = Weibull.from_mean(0.4, 5000.0)
    new = {"new": batch(0, N_NODES, burn_in=h(burn_in_h))}
    failure = mode(lifetime=weibull(0.4, 5000.0), clock="in_job")
    ledgers = runs(machine(failure, new), 40)
    met = [measure(ledger).interruptions for ledger in ledgers]
    expected = law.cumulative_at(HORIZON_H) - law.cumulative_at(burn_in_h)  # b + T is the horizon
    assert abs(z_mean(met, N_NODES * expected)) < 4.0


@pytest.mark.parametrize("law", [Exponential(1 / 900.0), Weibull.from_mean(2.0, 400.0)])
@pytest.mark.parametrize("factor", [0.2, 6.0])
def test_a_part_from_the_shelf_does_not_have_the_defect(law: Distribution, factor: float) -> None:
    """First lives have k times the hazard, later ones the usual: N(T) = F_k(T) + ∫ M(T - s) dF_k(s)."""
    name = "crash"
    lifetime = (
        {"rate": per_h(1 / 900.0)} if law.memoryless else {"lifetime": weibull(2.0, 400.0)}
    )
    scenario = machine(
        mode(**lifetime),
        {"bad": batch(0, N_NODES, defect=defect(factor, "node.crash"))},
        repair__ladder={"fix": rung(takes_down="unit", replaces=True)},
    )
    counts = [len(ledger.incidents) / N_NODES for ledger in runs(scenario, 40)]
    assert abs(z_mean(counts, _renewed(law, factor, HORIZON_H))) < 4.0
    assert counts_by_part(runs(scenario, 1)[0], N_NODES, name).max() > 1


def _renewed(law: Distribution, factor: float, horizon_h: float) -> float:
    """The renewal equation of a part whose first life differs, on a grid (trapezoid rule)."""
    grid = np.linspace(0.0, horizon_h, 4001)
    new = -np.expm1(-law.cumulative_hazard(grid))
    first = -np.expm1(-factor * law.cumulative_hazard(grid))
    count = np.zeros_like(grid)
    rises, rises_first = np.diff(new), np.diff(first)
    for i in range(1, len(grid)):  # M(t) = F(t) + ∫ M(t - s) dF(s)
        count[i] = new[i] + rises[:i] @ (0.5 * (count[:i] + np.append(count[1:i], count[i - 1])))[::-1]
    middles = 0.5 * (count[1:] + count[:-1])
    return float(first[-1] + rises_first @ middles[::-1])


@pytest.mark.parametrize("kind", [{"kind": "gamma", "variance": 2.0}, {"kind": "two_point", "fraction": 0.1, "factor": 9.0}])
def test_lemons_in_a_batch_with_a_defect(kind: dict[str, Any]) -> None:
    """Frailty z and defect k multiply: a part has k E[z] H(T) faults on average, and the count varies as z does."""
    law, k = Weibull.from_mean(0.7, 900.0), 3.0
    failure = mode(lifetime=weibull(0.7, 900.0), frailty=kind)
    scenario = machine(failure, {"bad": batch(0, N_NODES, start_age="20 h", defect=defect(k, "node.crash"))})
    counts = np.concatenate([counts_by_part(ledger, N_NODES) for ledger in runs(scenario, 20)])
    exposure = k * (law.cumulative_at(HORIZON_H + 20.0) - law.cumulative_at(20.0))
    # Those that are there have survived nothing: start_age is an age, frailty at it is that of the survivors.
    survived = k * law.cumulative_at(20.0)
    mean, square = _posterior_of_survivors(kind, survived)
    assert abs(z_mean(counts, mean * exposure)) < 4.0
    expected = mean * exposure + square * exposure**2
    assert abs(z_mean(counts.astype(float) ** 2, expected)) < 4.0


def _posterior_of_survivors(kind: dict[str, Any], hazard: float) -> tuple[float, float]:
    """Mean of z and of z² among parts that survived a cumulative hazard (of an average part)."""
    if kind["kind"] == "gamma":
        shape = 1.0 / kind["variance"]
        rate = shape + hazard
        return shape / rate, shape * (shape + 1.0) / rate**2
    weights = np.array([1.0 - kind["fraction"], kind["fraction"]])
    factors = np.array([1.0, kind["factor"]])
    weights = weights * np.exp(-factors * hazard)
    weights /= weights.sum()
    return float(weights @ factors), float(weights @ factors**2)


def first_faults(scenario: Scenario) -> dict[int, IncidentRow]:
    found: dict[int, IncidentRow] = {}
    for row in simulate(scenario, seed=3, replication=0).incidents:
        found.setdefault(row.instance, row)
    return found


def test_a_worse_defect_keeps_every_fault_and_brings_it_forward() -> None:
    failure = mode(lifetime=weibull(0.6, 900.0))
    usual, worse, worst = (
        first_faults(machine(failure, {"bad": batch(50, 100, defect=defect(k, "node.crash"))})) for k in (2.0, 3.0, 9.0)
    )
    in_batch = range(50, 150)
    for less, more in ((usual, worse), (worse, worst)):
        assert set(less) & set(in_batch) < set(more)
        assert all(more[part].arrive_h < less[part].arrive_h for part in less if part in in_batch)
        rest = {part: row.arrive_h for part, row in less.items() if part not in in_batch}
        # to rounding: the last bit of numpy's power depends on the length of the array
        assert rest == pytest.approx({p: row.arrive_h for p, row in more.items() if p not in in_batch}, rel=1e-14)


def test_batches_of_a_batch_are_drawn_apart() -> None:
    """Two batches that are alike do not fail alike."""
    failure = mode(rate=per_h(0.002))
    found = first_faults(machine(failure, {"a": batch(0, 100), "b": batch(150, 100)}))
    assert {part for part in found if part < 100} != {part - 150 for part in found if 150 <= part < 250}
    assert any(100 <= part < 150 for part in found)
    assert any(part >= 250 for part in found)


def test_every_part_is_somewhere() -> None:
    """At a rate at which every part fails, each does, whatever the batches."""
    found = first_faults(machine(mode(rate=per_h(0.2)), {"b": batch(150, 100), "a": batch(10, 20), "c": batch(290, 10)}))
    assert set(found) == set(range(N_NODES))


@pytest.mark.parametrize("joins_h", [0.0, 100.0, 250.0])
def test_nodes_count_once_they_are_installed(joins_h: float) -> None:
    """16 of 20 GPUs are installed from the start: cluster goodput divides by the time mean."""
    late = {"late": batch(16, 4, joins=h(joins_h), burn_in="30 h")}
    scenario = machine(mode(rate=per_h(0.0)), late, nodes=20, job_nodes=10, job__spares__nodes=8)
    ledger = simulate(scenario, seed=1, replication=0)
    installed = 20 - 4 * joins_h / HORIZON_H
    assert measure(ledger).cluster_goodput == pytest.approx(10 / installed)
    assert hours(ledger) == {"productive": pytest.approx(HORIZON_H)}
    changes = [(row.time_h, row.change) for row in ledger.resources if row.resource == "spare_nodes"]
    assert changes == [(0.0, 6), (joins_h + 30.0, 2)]  # the last two nodes are beyond the spares


def test_who_waits_for_capacity_gets_the_new_nodes() -> None:
    """The only node of the job dies at once and for good; the batch ends the wait when it is burnt in."""
    failure = mode(lifetime={"kind": "uniform", "low": "9 h", "high": "10 h"}, clock="in_job", clears_at={"swap": 1})
    scenario = machine(
        failure,
        {"late": batch(1, 1, joins="50 h", burn_in="20 h", start_age="0 h")},
        nodes=2,
        job_nodes=1,
        job__spares__nodes=1,
        repair__ladder={"swap": rung("1000 h", takes_down="node", meanwhile="swap", age_kept=0.0)},
        repair__policy__start={"default": "swap"},
    )
    ledger = simulate(scenario, seed=1, replication=0)
    first = ledger.incidents[0]
    # Its burn-in of 20 hours is longer than any life: it fails in burn-in, is out for good, and nobody can swap.
    assert hours(ledger)["wait_capacity"] == pytest.approx(HORIZON_H - first.arrive_h)
    fresh = scenario.model_copy(update={"fleet": None, "_setup": None})
    assert hours(simulate(fresh, seed=1, replication=0)).get("wait_capacity", 0.0) == pytest.approx(
        HORIZON_H - simulate(fresh, seed=1, replication=0).incidents[1].arrive_h
    )
    shorter = machine(
        failure,
        {"late": batch(1, 1, joins="50 h", burn_in="5 h")},
        nodes=2,
        job_nodes=1,
        job__spares__nodes=1,
        repair__ladder={"swap": rung("1000 h", takes_down="node", meanwhile="swap", age_kept=0.0)},
        repair__policy__start={"default": "swap"},
    )
    ledger = simulate(shorter, seed=1, replication=0)
    swapped = next(row for row in ledger.job if row.category == "wait_capacity")
    assert swapped.end_h == pytest.approx(55.0)
    second = ledger.incidents[1]
    assert 55.0 + 4.0 <= second.arrive_h <= 55.0 + 5.0  # five of its hours were burnt in


@pytest.mark.parametrize("shape", [0.5, 2.0])
def test_age_at_each_fault_in_burn_in(shape: float) -> None:
    """First failures of a batch are those of a brute-force history of its parts: the mean time of the first."""
    law = Weibull.from_mean(shape, 300.0)
    new = {"new": batch(0, N_NODES, joins="10 h", burn_in="200 h")}
    scenario = machine(mode(lifetime=weibull(shape, 300.0), clock="in_job"), new)
    times = []
    for ledger in runs(scenario, 20):
        seen: set[int] = set()
        for row in ledger.incidents:
            if row.instance not in seen and row.arrive_h < 210.0:
                seen.add(row.instance)
                times.append(row.arrive_h - 10.0)
    p_end = -math.expm1(-law.cumulative_at(200.0))
    expected = integrate.quad(lambda t: math.exp(-law.cumulative_at(t)) - (1.0 - p_end), 0.0, 200.0)[0] / p_end
    assert abs(z_mean(times, expected)) < 4.0
    assert abs(len(times) - 20 * N_NODES * p_end) < 4.0 * math.sqrt(20 * N_NODES * p_end * (1.0 - p_end))


@pytest.mark.parametrize("clock", ["calendar", "in_job"])
def test_benign_faults_are_counted_while_parts_are_there(clock: str) -> None:
    """40 parts from hour 100 on; on the job's clock they age in burn-in, and the idle ones do not after it."""
    failure = mode(rate=per_h(0.5), symptoms={"benign": 1.0}, clears_at={}, clock=clock)
    late = {"late": batch(10, 40, joins="100 h", burn_in="50 h")}
    ledgers = runs(machine(failure, late, nodes=50, job_nodes=10), 20)
    part_hours = 10 * 400.0 + 40 * (300.0 if clock == "calendar" else 50.0)
    assert abs(z_poisson([ledger.faults[0].n_benign for ledger in ledgers], 0.5 * part_hours)) < 4.0
