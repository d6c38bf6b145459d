"""Containment against closed forms: budgets of spares, faults that are sat out, domains that fail as one."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import IncidentRow, Ledger
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
    counts_by_part,
    faults_of,
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
)
from tests.theory.test_spread_counts import hgx

# ---------------------------------------------------------------------- budgets

RENEW = {"fix": rung(), "rma": rung(takes_down="unit", replaces=True)}


def budget(faults: int, **keys: Any) -> dict[str, Any]:
    return {"faults": faults, "then": "rma", **keys, **SOURCE}


def spared(faults: int, horizon_h: float = 400.0, n_parts: int = 800, **keys: Any) -> Ledger:
    """Each part has 1 fault in 100 h, that a restart fixes while the budget lasts."""
    crash = mode(**{"rate": per_h(0.01), "absorbs": budget(faults), **keys})
    scenario = small(horizon_h, nodes=n_parts, failures={"node": {"crash": crash}}, repair=ladder(RENEW))
    return simulate(scenario, seed=61, replication=0)


def needing(ledger: Ledger, name: str) -> list[IncidentRow]:
    return [row for row in ledger.incidents if row.needs_rung == name]


@pytest.mark.parametrize("faults", [0, 1, 3, 8])
def test_replacements_are_the_whole_budgets_of_a_poisson_count(faults: int) -> None:
    """Every (k+1)-th fault of a part wants a new part: floor(N / (k+1)) replacements, N Poisson of mean 4."""
    due = Counter(row.instance for row in needing(spared(faults), "rma"))
    counts = [due[part] for part in range(800)]
    n = np.arange(60)
    law = np.bincount(n // (faults + 1), weights=stats.poisson.pmf(n, 4.0))
    assert p_chi_square(counts, law.tolist()) > 6e-5


@pytest.mark.parametrize("faults", [1, 3])
def test_without_replacement_every_fault_beyond_the_budget_wants_it(faults: int) -> None:
    """A rung that replaces nothing leaves the budget used up: max(0, N - k) faults of a part need it."""
    steps = {"fix": rung(), "rma": rung(takes_down="unit")}
    crash = mode(rate=per_h(0.01), absorbs=budget(faults))
    scenario = small(400.0, nodes=800, failures={"node": {"crash": crash}}, repair=ladder(steps))
    ledger = simulate(scenario, seed=62, replication=0)
    due = Counter(row.instance for row in needing(ledger, "rma"))
    n = np.arange(60)
    law = np.bincount(np.maximum(0, n - faults), weights=stats.poisson.pmf(n, 4.0))
    assert p_chi_square([due[part] for part in range(800)], law.tolist()) > 6e-5


def test_faults_that_nobody_sees_use_up_the_budget_too() -> None:
    """Half are benign: of the visible faults of a part those need replacement that are beyond its first two of any kind.

    With N Poisson of mean 4 and no replacement: E[max(0, N - 2)] / 2 a part.
    """
    steps = {"fix": rung(), "rma": rung(takes_down="unit")}
    crash = mode(rate=per_h(0.01), symptoms={"benign": 0.5, "crash": 0.5}, absorbs=budget(2))
    scenario = small(400.0, nodes=3000, failures={"node": {"crash": crash}}, repair=ladder(steps))
    ledger = simulate(scenario, seed=63, replication=0)
    n = np.arange(60)
    expected = 3000 * float(np.maximum(0, n - 2) @ stats.poisson.pmf(n, 4.0)) / 2
    assert abs(len(needing(ledger, "rma")) - expected) / math.sqrt(2 * expected) < 4.0
    assert ledger.faults[0].n_benign == pytest.approx(6000, abs=4 * math.sqrt(6000))


def test_what_is_taken_in_may_be_unseen_and_the_next_one_a_crash() -> None:
    """Corrected errors: only every fourth shows, as a hang, and replaces its part."""
    ledger = spared(3, symptoms={"benign": 1.0}, absorbs=budget(3, shows="hang"))
    assert {(row.symptom, row.needs_rung) for row in ledger.incidents} == {("hang", "rma")}
    n = np.arange(60)
    law = np.bincount(n // 4, weights=stats.poisson.pmf(n, 4.0))
    assert p_chi_square(counts_by_part(ledger, 800).tolist(), law.tolist()) > 6e-5


def test_a_new_unit_brings_new_spares_for_all_its_parts() -> None:
    """A GPU is replaced with its memory stacks: they begin anew, those of the other GPUs do not."""
    due = mode(rate=per_h(0.01), absorbs=budget(1))
    scenario = hgx(
        300.0, 4, 1, {"hbm_per_gpu": 2}, failures={"hbm": {"due": due}},
        repair=ladder(RENEW, units={"hbm": "gpu"}),
    )  # fmt: skip
    used: Counter[int] = Counter()
    seen = Counter[str]()
    for row in simulate(scenario, seed=64, replication=0).incidents:
        used[row.instance] += 1
        assert row.needs_rung == ("rma" if used[row.instance] > 1 else "fix")
        if row.needs_rung == "rma":
            used[row.instance] = used[row.instance ^ 1] = 0
        seen[row.needs_rung] += 1
    assert min(seen["rma"], seen["fix"]) > 20


# ---------------------------------------------------------------------- faults that are sat out


def tolerated(**keys: Any) -> dict[str, Any]:
    return {"times": 1, "within": "24 h", "outage": 0, "heals": "fix", **keys, **SOURCE}


def flapping(rate_per_h: float, horizon_h: float = 4000.0, n_parts: int = 100, **rule: Any) -> Scenario:
    flap = mode(rate=per_h(rate_per_h))
    repair = ladder({"fix": rung()}, policy={"tolerate": {"node.flap": tolerated(**rule)}})
    return small(horizon_h, nodes=n_parts, failures={"node": {"flap": flap}}, repair=repair)


def is_sat_out(row: IncidentRow) -> bool:
    return row.n_attempts == 0 and row.outcome in ("sat_out", "comes_back")


@pytest.mark.parametrize(("rate_per_h", "window_h"), [(0.02, 24.0), (0.05, 6.0), (0.01, 200.0)])
def test_a_second_flap_within_the_window_comes_with_its_probability(
    rate_per_h: float, window_h: float
) -> None:
    """After a flap that was sat out the next is repaired if it comes within w: with q = 1 - exp(-lambda w).

    After a repair the record is clean. So a share q / (1 + q) of all flaps is repaired.
    """
    ledger = simulate(flapping(rate_per_h, within=h(window_h)), seed=65, replication=0)
    after = Counter[bool]()
    by_part: dict[int, list[IncidentRow]] = {}
    for row in ledger.incidents:
        by_part.setdefault(row.instance, []).append(row)
    for rows in by_part.values():
        for first, second in pairwise(rows):
            within = second.arrive_h - first.arrive_h <= window_h
            assert is_sat_out(second) == (not is_sat_out(first) or not within)
            if is_sat_out(first):
                after[is_sat_out(second)] += 1
    n, q = after.total(), -math.expm1(-rate_per_h * window_h)
    assert n > 1000
    # The last flap of a part is left without its next one: of n pairs O(1) in lambda x horizon, below the error.
    assert abs(after[False] - n * q) / math.sqrt(n * q * (1 - q)) < 4.0
    repaired = sum(not is_sat_out(row) for row in ledger.incidents) / len(ledger.incidents)
    assert repaired == pytest.approx(q / (1 + q), abs=4 * math.sqrt(q / len(ledger.incidents)))


@pytest.mark.parametrize("times", [1, 2, 4])
def test_so_many_are_sat_out_within_a_window_that_never_ends(times: int) -> None:
    """Of each part's flaps in turn `times` are sat out and one is repaired."""
    ledger = simulate(flapping(0.01, 1000.0, times=times, within="1000 h"), seed=66, replication=0)
    turn = Counter[int]()
    for row in ledger.incidents:
        assert is_sat_out(row) == (turn[row.instance] % (times + 1) < times)
        turn[row.instance] += 1
    assert max(turn.values()) > 2 * times + 2


def test_damping_holds_a_part_down_longer_each_time_up_to_the_most() -> None:
    """1 min, 3 min, 9 min, then 10 min, on top of an outage of 2 min; the job waits for it and loses nothing."""
    damping = {"first": "1 min", "factor": 3.0, "most": "10 min"}
    scenario = flapping(
        0.01, 1000.0, 1, times=1000, within="1000 h", outage=fixed(2 / 60), hold_down=damping
    )
    expected = [3.0, 5.0, 11.0] + [12.0] * 50
    for ledger in runs(scenario, 5):
        closed = [row for row in ledger.incidents if row.outcome != "open"]
        assert len(closed) >= 5
        down_h = [row.closed_h - row.arrive_h for row in closed]
        assert [60 * one for one in down_h] == pytest.approx(expected[: len(closed)])
        assert {row.job_effect for row in closed} == {"paused"}
        assert hours(ledger)["repair"] == pytest.approx(sum(down_h), abs=12 / 60)
        assert set(hours(ledger)) == {"productive", "repair"}


def test_a_fault_that_needs_more_than_time_comes_back_and_is_repaired() -> None:
    """A root cause that needs `rma` is sat out once, returns after an hour, and is then repaired."""
    steps = {"fix": rung(), "rma": rung(takes_down="unit")}
    flap = mode(rate=per_h(0.002), clears_at={"fix": 0.6, "rma": 0.4})
    repair = ladder(steps, policy={"tolerate": {"node": tolerated(within="10 h")}})
    ledger = simulate(small(2000.0, nodes=400, failures={"node": {"flap": flap}}, repair=repair), seed=67, replication=0)
    roots: dict[int, list[IncidentRow]] = {}
    for row in ledger.incidents:
        roots.setdefault(row.root_id, []).append(row)
    ends = Counter(tuple((row.outcome, row.final_rung) for row in rows) for rows in roots.values())
    usual = {
        (("sat_out", ""),): "fix",
        (("comes_back", ""), ("fixed", "rma")): "rma",
        (("fixed", "fix"),): "fix, one too many",
        (("fixed", "rma"),): "rma, one too many",
    }
    assert sum(ends[seen] for seen in usual) >= 0.99 * len(roots)
    healed, returned = ends[(("sat_out", ""),)], ends[(("comes_back", ""), ("fixed", "rma"))]
    assert abs(returned - 0.4 * (healed + returned)) / math.sqrt(0.24 * (healed + returned)) < 4.0


def test_a_flap_that_is_sat_out_costs_its_outage_and_one_that_is_not_its_work_too() -> None:
    """One node, saves every hour at no cost: half an hour of work is lost to each crash, none to one that is sat out."""
    keys: dict[str, Any] = {"failures": {"node": {"flap": mode(rate=per_h(0.01))}}}
    keys["job__checkpoints"] = {"disk": tier(1.0)}
    rule = {"node.flap": tolerated(times=1000, outage="6 min")}
    crashing, sitting = (
        [hours(ledger) for ledger in runs(small(2000.0, repair=ladder({"fix": rung("6 min")}, policy=policy), **keys), 20)]
        for policy in ({}, {"tolerate": rule})
    )
    assert all("lost_work" not in one for one in sitting)
    n = sum(one["repair"] for one in crashing) / 0.1
    assert sum(one["repair"] for one in sitting) == pytest.approx(0.1 * n, abs=4 * 0.1 * math.sqrt(2 * n))
    lost = sum(one["lost_work"] for one in crashing)
    assert abs(lost - n / 2) / math.sqrt(n / 12) < 4.0


# ---------------------------------------------------------------------- domains and ports


@pytest.mark.parametrize("p_all", [0.0, 0.2, 0.7, 1.0])
def test_a_domain_fails_as_one_with_its_probability(p_all: float) -> None:
    """A GPU's error takes the whole domain of eight with p, and itself alone otherwise; nothing in between."""
    fault = mode(rate=per_h(0.01), spreads={"fails_with": p_all})
    ledger = simulate(hgx(200.0, 128, 1, failures={"gpu": {"due": fault}}), seed=68, replication=0)
    hit = Counter(row.n_gpus_hit for row in ledger.incidents)
    n = hit.total()
    assert set(hit) <= {1, 8}
    assert abs(hit[8] - n * p_all) <= 4.0 * math.sqrt(n * p_all * (1 - p_all))


@pytest.mark.parametrize("p_kill", [0.0, 0.3, 1.0])
def test_a_lost_nvswitch_slows_its_domain_or_kills_it(p_kill: float) -> None:
    """With 3 of 4 NVSwitches enough: killed with p, else three quarters of the scale-up bandwidth."""
    fault = mode(rate=per_h(0.01), spreads={"fails_with": p_kill})
    scenario = hgx(200.0, 128, 1, {"nvswitches_needed": 3}, failures={"nvswitch": {"lost": fault}})
    rows = faults_of(simulate(scenario, seed=69, replication=0), "lost")
    killed = sum(row.n_gpus_hit == 8 for row in rows)
    assert all(row.n_gpus_hit in (0, 8) for row in rows)
    assert abs(killed - len(rows) * p_kill) <= 4.0 * math.sqrt(len(rows) * p_kill * (1 - p_kill))


@pytest.mark.parametrize("p_both", [0.0, 0.25, 1.0])
def test_a_flap_takes_the_other_port_of_its_nic_with_its_probability(p_both: float) -> None:
    """Dual-homed: a rank is lost only if both ports are, otherwise the NIC runs on with half its bandwidth."""
    fault = mode(rate=per_h(0.01), spreads={"same_nic": p_both})
    scenario = hgx(100.0, 64, 1, {"homing": 2, "nodes_per_pod": 4}, failures={"link": {"flap": fault}})
    rows = faults_of(simulate(scenario, seed=70, replication=0), "flap")
    both = sum(row.n_gpus_hit for row in rows)
    assert {row.n_gpus_hit for row in rows} <= {0, 1}
    assert abs(both - len(rows) * p_both) <= 4.0 * math.sqrt(len(rows) * p_both * (1 - p_both))


@pytest.mark.parametrize("p_beside", [0.1, 0.5])
def test_neighbours_on_a_switch_are_hit_each_by_chance(p_beside: float) -> None:
    """A leaf of 16 ports: 15 others, each with p, one GPU each: binomial."""
    fault = mode(rate=per_h(0.01), spreads={"same_switch": p_beside})
    scenario = hgx(40.0, 64, 1, {"nodes_per_pod": 16, "spines": 2}, failures={"link": {"flap": fault}})
    rows = faults_of(simulate(scenario, seed=71, replication=0), "flap")
    others = [row.n_gpus_hit - 1 for row in rows]
    assert p_chi_square(others, stats.binom.pmf(np.arange(16), 15, p_beside).tolist()) > 6e-5
