"""Hazards that swing with the time of day against the inhomogeneous Poisson process, on every clock."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from ras_sim.distributions import Weibull
from ras_sim.engine import simulate
from ras_sim.faults.seasons import Season
from ras_sim.ledger import Ledger
from ras_sim.metrics.measures import check_conservation
from tests.small import SOURCE, fixed, h, ladder, mode, per_h, rung, runs, small, weibull

N_NODES = 50
HORIZON_H = 250.0  # not a whole number of days


def season(amplitude: float, peak_h: float, period_h: float = 24.0) -> dict[str, Any]:
    return {"amplitude": amplitude, "period": h(period_h), "peak": h(peak_h), **SOURCE}


def pace(swing: dict[str, Any], t_h: np.ndarray | float) -> Any:
    """m(t), written anew."""
    period, peak = float(swing["period"].split()[0]), float(swing["peak"].split()[0])
    return 1.0 + swing["amplitude"] * np.cos(2.0 * np.pi * (np.asarray(t_h) - peak) / period)


def z_poisson(count: float, expected: float) -> float:
    return (count - expected) / math.sqrt(expected)


@pytest.mark.parametrize("amplitude", [0.05, 0.6, 1.0])
@pytest.mark.parametrize(("period_h", "peak_h"), [(24.0, 0.0), (24.0, 15.0), (168.0, 50.0)])
def test_the_time_change_is_the_integral_of_the_pace_and_its_inverse(
    amplitude: float, period_h: float, peak_h: float
) -> None:
    swing = season(amplitude, peak_h, period_h)
    clock = Season(amplitude, period_h, peak_h)
    for t_h in (0.0, 0.3, 7.0, 100.0, 1234.5):
        passed = clock.passed_h(t_h)
        expected = integrate.quad(lambda t: float(pace(swing, t)), 0.0, t_h, limit=500)[0]
        assert passed == pytest.approx(expected, abs=1e-8)
        assert clock.passed_h(clock.when_h(passed)) == pytest.approx(passed, abs=1e-10)
        assert clock.when_h(passed) == pytest.approx(t_h, abs=1e-4 if amplitude == 1.0 else 1e-9)
        assert t_h - 2.0 * amplitude * period_h / math.pi <= clock.soonest_h(passed) <= t_h + 1e-9


@pytest.mark.parametrize("amplitude", [1.0, 0.999999999, 0.99999, 0.7])
@pytest.mark.parametrize("off_h", [0.0, 1e-6, 1e-5, 1e-3, 1.0])
def test_the_inverse_is_found_in_few_steps_where_time_stands_still(amplitude: float, off_h: float) -> None:
    """At the trough of a full swing W does not rise: no step may be as small as the last digit of an hour."""
    asked = 0

    class Counting(Season):
        def passed_h(self, t_h: float) -> float:
            nonlocal asked
            asked += 1
            return Season.passed_h(self, t_h)

    clock = Counting(amplitude, 24.0, 15.0)
    aged_h = clock.passed_h(3.0 + 24.0 * 40 + off_h)
    assert clock.passed_h(clock.when_h(aged_h)) >= aged_h
    assert asked < 170


@pytest.mark.parametrize("clock", ["calendar", "powered", "in_job"])
@pytest.mark.parametrize(("amplitude", "peak_h"), [(0.3, 15.0), (0.9, 3.0)])
def test_faults_by_hour_of_the_day(clock: str, amplitude: float, peak_h: float) -> None:
    """Constant rate: an inhomogeneous Poisson process; chi-square over the hours of the day, and the count."""
    swing = season(amplitude, peak_h)
    failure = mode(rate=per_h(0.02), clock=clock, season=swing)
    ledgers = runs(small(HORIZON_H, nodes=N_NODES, job_nodes=N_NODES, failures={"node": {"crash": failure}}), 20)
    times = np.array([row.arrive_h for ledger in ledgers for row in ledger.incidents])
    hours = np.arange(0.0, HORIZON_H, 0.01) + 0.005
    expected = 0.02 * N_NODES * 20 * np.bincount((hours % 24.0).astype(int), pace(swing, hours) * 0.01, minlength=24)
    seen = np.bincount((times % 24.0).astype(int), minlength=24)
    assert abs(z_poisson(len(times), expected.sum())) < 4.0
    assert stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 6e-5


@pytest.mark.parametrize("clock", ["calendar", "powered", "in_job"])
@pytest.mark.parametrize("shape", [0.5, 2.0])
def test_parts_with_memory_age_with_the_season(clock: str, shape: float) -> None:
    """Repairs that keep the age: H(a + W(t)) - H(a) faults by t, whether first or later ones."""
    swing = season(0.8, 6.0, 100.0)
    law = Weibull.from_mean(shape, 150.0)
    failure = mode(lifetime=weibull(shape, 150.0), clock=clock, season=swing, start_age="40 h")
    scenario = small(
        HORIZON_H, nodes=N_NODES, job_nodes=N_NODES, failures={"node": {"crash": failure}},
        repair__ladder={"fix": rung(age_kept=1.0)},
    )  # fmt: skip
    ledgers = runs(scenario, 20)
    for until_h in (30.0, 80.0, HORIZON_H):
        aged_h = integrate.quad(lambda t: float(pace(swing, t)), 0.0, until_h)[0]
        mean = law.cumulative_at(40.0 + aged_h) - law.cumulative_at(40.0)
        seen = sum(row.arrive_h <= until_h for ledger in ledgers for row in ledger.incidents)
        assert abs(z_poisson(seen, 20 * N_NODES * mean)) < 4.0


def at_work(ledger: Ledger) -> list[tuple[float, float]]:
    return [(row.start_h, row.end_h) for row in ledger.job if row.category == "productive" and row.end_h > row.start_h]


@pytest.mark.parametrize("peak_h", [0.0, 12.0])
def test_the_clock_of_the_job_stands_still_in_season_too(peak_h: float) -> None:
    """Each repair takes half a day: faults less r n times the hours of work, weighted by the season, have mean 0."""
    swing = season(1.0, peak_h)
    failure = mode(rate=per_h(0.002), clock="in_job", season=swing)
    scenario = small(
        1000.0, nodes=N_NODES, job_nodes=N_NODES, failures={"node": {"crash": failure}},
        repair=ladder({"fix": rung(fixed(12.0))}),
    )  # fmt: skip
    excess, expected = 0.0, 0.0
    for ledger in runs(scenario, 20):
        mean = sum(integrate.quad(lambda t: float(pace(swing, t)), a, b)[0] for a, b in at_work(ledger))
        excess += len(ledger.incidents) - 0.002 * N_NODES * mean
        expected += 0.002 * N_NODES * mean
        check_conservation(ledger)
    assert abs(excess / math.sqrt(expected)) < 4.0


@pytest.mark.parametrize("clock", ["powered", "in_job"])
def test_a_node_that_is_off_or_swapped_out_does_not_age(clock: str) -> None:
    """One node of two serves; each fault takes it away for 30 hours. Age at each fault is below what the season passed."""
    swing = season(0.9, 0.0)
    life = {"kind": "deterministic", "value": "20 h"}
    failure = mode(lifetime=life, clock=clock, season=swing, clears_at={"swap": 1.0})
    rungs = {"swap": rung(fixed(30.0), takes_down="node", meanwhile="swap", powers_off=True, age_kept=0.0)}
    ledger = simulate(
        small(
            200.0, nodes=2, job_nodes=1, job__spares__nodes=1, failures={"node": {"crash": failure}},
            repair=ladder(rungs),
        ),
        seed=1,
        replication=0,
    )  # fmt: skip
    by_node: dict[int, list[Any]] = {0: [], 1: []}
    for row in ledger.incidents:
        by_node[row.node].append(row)
    assert sum(len(rows) for rows in by_node.values()) > 5
    for rows in by_node.values():
        for before, row in pairwise(rows):
            if clock == "powered":  # off from the fault to the end of its repair, on and ageing from then on
                spans = [(before.closed_h, row.arrive_h)]
            else:  # ageing while in the job: between the faults of the other node
                spans = _in_job(ledger, row.node, before.closed_h, row.arrive_h)
            aged = sum(integrate.quad(lambda t: float(pace(swing, t)), a, b)[0] for a, b in spans)
            assert aged == pytest.approx(20.0, abs=1e-6)


def _in_job(ledger: Ledger, node: int, begin_h: float, end_h: float) -> list[tuple[float, float]]:
    """Stretches of work between two instants in which this node serves: it joins when the other one fails."""
    joined = [row.arrive_h for row in ledger.incidents if row.node != node and row.arrive_h < end_h]
    since_h = max((at_h for at_h in joined if at_h <= end_h), default=0.0)
    return [(max(a, begin_h, since_h), b) for a, b in at_work(ledger) if b > max(begin_h, since_h) and a < end_h]


def test_benign_faults_are_counted_by_the_hours_of_the_season() -> None:
    """Half a period around the peak: the clock runs ahead by A P / (2 pi) x 2 sin(...)."""
    swing = season(0.9, 0.0, 48.0)
    failure = mode(rate=per_h(0.5), symptoms={"benign": 1.0}, clears_at={}, season=swing)
    ledgers = runs(small(12.0, nodes=N_NODES, job_nodes=N_NODES, failures={"node": {"crash": failure}}), 40)
    passed = 12.0 + 0.9 * 48.0 / (2.0 * math.pi)  # sin(pi / 2) = 1
    seen = sum(ledger.faults[0].n_benign for ledger in ledgers)
    assert abs(z_poisson(seen, 40 * 0.5 * N_NODES * passed)) < 4.0


@pytest.mark.parametrize("clock", ["calendar", "in_job"])
def test_a_batch_burns_in_by_the_hours_of_the_season(clock: str) -> None:
    """Repairs that keep the age: H(W(130) - W(50)) faults in a burn-in from hour 50 to 130, the rest after it."""
    swing = season(0.9, 60.0, 200.0)
    law = Weibull.from_mean(0.6, 400.0)
    new = {"first": 0, "count": N_NODES, "joins": "50 h", "burn_in": "80 h", **SOURCE}
    failure = mode(lifetime=weibull(0.6, 400.0), clock=clock, season=swing)
    scenario = small(
        HORIZON_H, nodes=N_NODES, job_nodes=N_NODES, failures={"node": {"crash": failure}},
        repair__ladder={"fix": rung(age_kept=1.0)}, fleet__batches={"new": new},
    )  # fmt: skip
    ledgers = runs(scenario, 30)
    seen = np.array([[row.arrive_h < 130.0, row.arrive_h >= 130.0] for one in ledgers for row in one.incidents])
    burnt, served = (integrate.quad(lambda t: float(pace(swing, t)), 50.0, b)[0] for b in (130.0, HORIZON_H))
    assert abs(z_poisson(seen[:, 0].sum(), 30 * N_NODES * law.cumulative_at(burnt))) < 4.0
    rest = law.cumulative_at(served) - law.cumulative_at(burnt)
    assert abs(z_poisson(seen[:, 1].sum(), 30 * N_NODES * rest)) < 4.0
    assert min(row.arrive_h for one in ledgers for row in one.incidents) >= 50.0


def test_what_repairs_another_mode_stops_the_season_of_a_node_that_is_off() -> None:
    """A reboot of 30 h every 20 h of work: the other mode ages while the node is on, and comes at 60 hours of that."""
    swing = season(0.9, 5.0)
    failures = {
        "ages": mode(lifetime=fixed(60.0), clock="powered", season=swing, clears_at={"reboot": 1.0}),
        "hangs": mode(lifetime=fixed(20.0), clock="powered", clears_at={"reboot": 1.0}),
    }
    repair = ladder({"reboot": rung(fixed(30.0), takes_down="node", powers_off=True, age_kept=0.0)})
    ledger = simulate(small(300.0, failures={"node": failures}, repair=repair), seed=1, replication=0)
    first = next(row for row in ledger.incidents if row.mode == "ages")
    offs = [(row.arrive_h, row.closed_h) for row in ledger.incidents if row.closed_h <= first.arrive_h]
    assert len(offs) >= 2
    edges = [0.0, *(hour for off in offs for hour in off), first.arrive_h]
    on = list(zip(edges[::2], edges[1::2], strict=True))
    assert sum(integrate.quad(lambda t: float(pace(swing, t)), a, b)[0] for a, b in on) == pytest.approx(60.0, abs=1e-6)
