"""How often each rung is tried, how often faults come back, and what tests find, against hand calculation."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from tests.small import SOURCE, fixed, h, ladder, mode, p_chi_square, rung, small, weibull, z_mean

N = 4000


def each_once(
    repair: dict[str, Any], clears_at: dict[str, float], horizon_h: float = 900.0, **keys: Any
) -> Ledger:
    """N parts that all fail once, at hour 1."""
    fault = mode(lifetime=fixed(1000.0), start_age="999 h", clears_at=clears_at, **keys)
    return simulate(
        small(horizon_h, nodes=N, failures={"node": {"crash": fault}}, repair=repair), seed=41, replication=0
    )


def renews(duration: Any = 0, **keys: Any) -> dict[str, Any]:
    """Instant, and good for the rest of the run."""
    return rung(duration, age_kept=0.0, **keys)


def tries_by_root(ledger: Ledger, name: str) -> np.ndarray:
    """Tries of one rung on each root cause, (N,)."""
    root_of = {row.incident_id: row.root_id for row in ledger.incidents}
    counts = Counter(root_of[attempt.incident_id] for attempt in ledger.attempts if attempt.rung == name)
    roots = sorted({row.root_id for row in ledger.incidents})
    assert len(roots) == N
    return np.array([counts[root] for root in roots])


def truncated(p_end: float, most: int) -> dict[int, float]:
    """Law of the number of tries of probability `p_end` each, given up after `most`."""
    law = {k: (1 - p_end) ** (k - 1) * p_end for k in range(1, most)}
    return law | {most: (1 - p_end) ** (most - 1)}


@pytest.mark.parametrize("needs", [(0.5, 0.3, 0.2), (0.1, 0.1, 0.8), (1.0, 0.0, 0.0)])
@pytest.mark.parametrize(
    ("works", "tries"), [((0.6, 0.5), (2, 3)), ((0.3, 0.9), (1, 1)), ((1.0, 0.2), (3, 2))]
)
def test_tries_of_each_rung(
    needs: tuple[float, ...], works: tuple[float, float], tries: tuple[int, int]
) -> None:
    """Failures are seen: what a rung is too weak for uses up its tries; a stronger one covers what is below it.

    27 chi-squares are looked at.
    """
    rungs = {
        "low": renews(works=works[0], tries=tries[0]),
        "middle": renews(works=works[1], tries=tries[1]),
        "high": renews(takes_down="unit"),
    }
    shares = {name: share for name, share in zip(rungs, needs, strict=True) if share}
    ledger = each_once(ladder(rungs), shares)
    low = Counter({tries[0]: 1.0 - needs[0]})
    for k, p in truncated(works[0], tries[0]).items():
        low[k] += needs[0] * p
    to_middle = needs[0] * (1 - works[0]) ** tries[0] + needs[1]
    middle = Counter({0: needs[0] * (1 - (1 - works[0]) ** tries[0]), tries[1]: needs[2]})
    for k, p in truncated(works[1], tries[1]).items():
        middle[k] += to_middle * p
    to_high = to_middle * (1 - works[1]) ** tries[1] + needs[2]
    high = {0: 1.0 - to_high, 1: to_high}
    for name, law in (("low", low), ("middle", middle), ("high", high)):
        expected = [law.get(k, 0.0) for k in range(max(law) + 1)]
        seen = tries_by_root(ledger, name)
        assert set(seen.tolist()) <= {k for k, p in enumerate(expected) if p > 0.0}
        if max(expected) < 1.0 - 1e-12:
            assert p_chi_square(seen, expected) > 6e-5


@pytest.mark.parametrize("seen", [0.3, 0.6, 0.9])
def test_faults_that_seem_fixed_come_back_a_geometric_number_of_times(seen: float) -> None:
    """Tries are forgotten before the fault is back, so each round the weak rung is seen to fail with p = `seen`."""
    rungs = {"weak": renews(seen=seen), "strong": renews(takes_down="unit")}
    repair = ladder(rungs, policy={"tries_window": "1 h"}, comes_back="4 h")
    ledger = each_once(repair, {"strong": 1.0})
    returns = [n - 1 for n in Counter(row.root_id for row in ledger.incidents).values()]
    assert p_chi_square(returns, stats.geom.pmf(np.arange(1, 200), seen)) > 6e-5
    assert abs(z_mean(returns, (1 - seen) / seen)) < 4.0
    assert ledger.faults[0].n_faults == N  # a return is no new fault
    first = {row.root_id: row.arrive_h for row in ledger.incidents if row.incident_id == row.root_id}
    assert all(
        (row.arrive_h - first[row.root_id]) % 4.0 == pytest.approx(0.0, abs=1e-6) for row in ledger.incidents
    )


def test_tries_that_are_remembered_end_the_returns() -> None:
    """The second time the weak rung has no tries left: climb at once."""
    rungs = {"weak": renews(seen=0.5), "strong": renews(takes_down="unit")}
    repair = ladder(rungs, policy={"tries_window": "100 h"}, comes_back="4 h")
    ledger = each_once(repair, {"strong": 1.0})
    returns = np.array([n - 1 for n in Counter(row.root_id for row in ledger.incidents).values()])
    assert set(returns.tolist()) == {0, 1}
    assert abs(z_mean(returns, 0.5)) < 4.0
    assert np.all(tries_by_root(ledger, "weak") == 1)
    assert np.all(tries_by_root(ledger, "strong") == 1)


@pytest.mark.parametrize("coverage", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("seen", [0.2, 0.7])
def test_what_a_validation_test_finds(coverage: float, seen: float) -> None:
    """Of the tries that are too weak: seen (p = s), caught (1 - s) c, missed (1 - s)(1 - c)."""
    rungs = {"weak": renews(seen=seen), "strong": renews(takes_down="unit")}
    test = {"after": ["weak"], "duration": "1 h", "coverage": coverage, "false_alarm": 0.0, **SOURCE}
    ledger = each_once(ladder(rungs, validation=test, comes_back="2000 h"), {"strong": 1.0})
    outcomes = Counter(attempt.outcome for attempt in ledger.attempts if attempt.rung == "weak")
    law = {"failed": seen, "caught": (1 - seen) * coverage, "seems_fixed": (1 - seen) * (1 - coverage)}
    assert sum(outcomes.values()) == N
    assert outcomes.keys() == {name for name, p in law.items() if p > 0.0}
    names = [name for name in law if law[name] > 0.0]
    assert (
        stats.chisquare([outcomes[name] for name in names], [N * law[name] for name in names]).pvalue > 6e-5
    )
    tested_h = {
        attempt.outcome: attempt.end_h - attempt.start_h
        for attempt in ledger.attempts
        if attempt.rung == "weak"
    }
    assert all(span == pytest.approx(0.0 if name == "failed" else 1.0) for name, span in tested_h.items())


@pytest.mark.parametrize("false_alarm", [0.1, 0.5])
def test_false_alarms_repeat_the_highest_rung(false_alarm: float) -> None:
    """Every try fixes the fault and the test says no with p = f: the number of tries is geometric."""
    test = {"after": ["only"], "duration": 0, "coverage": 1.0, "false_alarm": false_alarm, **SOURCE}
    ledger = each_once(ladder({"only": renews()}, validation=test), {"only": 1.0})
    assert (
        p_chi_square(tries_by_root(ledger, "only") - 1, stats.geom.pmf(np.arange(1, 60), 1 - false_alarm))
        > 6e-5
    )
    assert {attempt.outcome for attempt in ledger.attempts} == {"fixed", "false_alarm"}


@pytest.mark.parametrize(("window_h", "rungs"), [(25.0, "low low high low"), (15.0, "low low low low")])
def test_a_lemon_goes_straight_to_its_rung(window_h: float, rungs: str) -> None:
    """A fault every 10 h: the third within 25 h is a lemon's, and its replacement has a clean record."""
    steps = {"low": renews(), "high": rung(takes_down="unit", replaces=True)}
    repair = ladder(steps, policy={"lemon": {"incidents": 3, "window": h(window_h), "rung": "high"}})
    fault = mode(lifetime=fixed(10.0), clears_at={"low": 1.0})
    ledger = simulate(small(45.0, failures={"node": {"crash": fault}}, repair=repair), seed=1, replication=0)
    assert [row.final_rung for row in ledger.incidents] == rungs.split()


@pytest.mark.parametrize("extra", [0.2, 1.0, 4.0])
def test_size_of_a_burst(extra: float) -> None:
    """A geometric number of followers, one after the other: P(N >= k) = (e / (1 + e))^k."""
    ledger = each_once(ladder({"fix": renews()}), {"fix": 1.0}, burst={"extra": extra, "gap": "1 h"})
    per_part = Counter(row.instance for row in ledger.incidents)
    followers = [n - 1 for n in per_part.values()]
    assert p_chi_square(followers, stats.geom.pmf(np.arange(1, 300), 1 / (1 + extra))) > 6e-5
    assert abs(z_mean(followers, extra)) < 4.0
    assert all(row.arrive_h % 1.0 == pytest.approx(0.0, abs=1e-6) for row in ledger.incidents)


@pytest.mark.parametrize("lifetime", [{"rate": "2e-3 /h"}, {"lifetime": weibull(1.0001, 500.0)}])
def test_a_benign_fault_may_start_a_burst(lifetime: dict[str, Any]) -> None:
    """Flaps of which one in ten is felt: a burst has 1 + e faults, each harmful by chance, whatever its first one was."""
    n, extra, p = 400.0, 4.0, 0.1  # 200 parts x 2e-3 /h x 1,000 h bursts
    flap = mode(symptoms={"benign": 1 - p, "crash": p}, burst={"extra": extra, "gap": "0.001 h"}, **lifetime)
    ledger = simulate(small(1000.0, nodes=200, failures={"node": {"flap": flap}}), seed=5, replication=0)
    row = ledger.faults[0]
    size, size_sq = 1 + extra, (1 + extra) ** 2 + extra * (1 + extra)  # of a burst: mean, mean square
    assert abs(row.n_faults - n * size) / (n * size_sq) ** 0.5 < 4.0
    felt_sq = size * p * (1 - p) + size_sq * p * p
    assert abs(row.n_faults - row.n_benign - n * size * p) / (n * felt_sq) ** 0.5 < 4.0


def test_symptoms_and_needs_are_drawn_apart() -> None:
    """A two-way table of symptom and rung needed is the product of its margins."""
    rungs = {"low": renews(), "high": renews(takes_down="unit")}
    ledger = each_once(ladder(rungs), {"low": 0.7, "high": 0.3}, symptoms={"crash": 0.6, "hang": 0.4})
    table = np.zeros((2, 2))
    for row in ledger.incidents:
        table[int(row.symptom == "hang"), int(row.needs_rung == "high")] += 1
    expected = N * np.outer([0.6, 0.4], [0.7, 0.3])
    assert stats.chi2.sf(((table - expected) ** 2 / expected).sum(), 3) > 6e-5
