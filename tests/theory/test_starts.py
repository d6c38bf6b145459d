"""Faults that come with the starts of the job: binomial at each of them, in the parts of the job only."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.engine.starts import chosen
from ras_sim.ledger import Ledger
from ras_sim.metrics import measure
from ras_sim.metrics.measures import check_conservation
from ras_sim.scenario.model import Scenario
from ras_sim.streams import base_key, child_key
from tests.small import SOURCE, faults_of, ladder, mode, p_chi_square, per_h, rung, runs, small

N_NODES = 40


def starting(p: float, every: str = "10 h", **changes: Any) -> Scenario:
    """A job on 40 of 60 nodes that is stopped every 10 hours."""
    failures = {"node": {"surge": mode(p_start=p)}}
    planned = {"release": {"every": every, "duration": "6 min", **SOURCE}}
    changes = {"repair": ladder({"fix": rung("1 h")}), "failures": failures, **changes}
    return small(500.0, nodes=60, job_nodes=N_NODES, job__planned=planned, **changes)


@pytest.mark.parametrize("p", [0.002, 0.02, 0.3])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_each_is_chosen_with_probability_p(n: int, p: float) -> None:
    key = base_key(1, 0, "tests/chosen")
    draws = [list(chosen(n, p, child_key(key, k))) for k in range(4000)]
    assert all(one == sorted(set(one)) for one in draws)
    if n * p > 0.01:
        assert p_chi_square([len(one) for one in draws], stats.binom.pmf(np.arange(n + 1), n, p).tolist()) > 6e-5
    places = np.bincount([place for one in draws for place in one], minlength=n)
    assert np.all(np.abs(places - 4000 * p) < 5.0 * math.sqrt(4000 * p * (1 - p)))


def starts_of(ledger: Ledger) -> set[float]:
    """Instants at which the job started: work begins, something failed, or a stop that waited for it begins."""
    rows = [row for row in ledger.job if row.end_h > row.start_h]
    work = {b.start_h for a, b in pairwise(rows) if b.category == "productive" != a.category}
    waited = {row.detected_h for row in faults_of(ledger, "release") if row.detected_h > row.arrive_h}
    return {0.0, *work, *waited, *(row.arrive_h for row in faults_of(ledger, "surge"))}


@pytest.mark.parametrize("p", [0.002, 0.02])
def test_every_start_brings_a_binomial_number_of_faults(p: float) -> None:
    struck: list[int] = []
    for ledger in runs(starting(p), 60):
        rows = faults_of(ledger, "surge")
        at = Counter(row.arrive_h for row in rows)
        struck += [at[instant] for instant in starts_of(ledger)]
        check_conservation(ledger)
        assert all(row.instance < N_NODES for row in rows)
        assert 0.9 * len(at) <= sum(row.n_interruptions for row in rows) <= len(at)
    assert p_chi_square(struck, stats.binom.pmf(np.arange(N_NODES + 1), N_NODES, p).tolist()) > 6e-5
    assert abs(np.mean(struck) - p * N_NODES) < 4.0 * math.sqrt(p * (1.0 - p) * N_NODES / len(struck))


def test_a_job_that_is_stopped_more_often_fails_more_often() -> None:
    """Failures rise with restarts: each planned stop brings p n more."""
    rare, often = (
        np.mean([measure(one).interruptions for one in runs(starting(0.005, every), 40)])
        for every in ("100 h", "10 h")
    )
    assert often > 5.0 * rare


def test_pauses_are_no_starts() -> None:
    """A caught exception goes on without a start-up: nothing fails at it."""
    failures = {"node": {"surge": mode(p_start=0.005), "blip": mode(rate=per_h(0.05), symptoms={"exception": 1.0})}}
    rungs = {"fix": rung("1 min", takes_down="operation")}
    ledger = simulate(starting(0.0, "1000 h", failures=failures, repair=ladder(rungs)), seed=1, replication=0)
    assert len(faults_of(ledger, "blip")) > 500
    assert len({row.arrive_h for row in faults_of(ledger, "surge")}) <= 1


def test_starts_move_no_other_fault() -> None:
    """Faults on the calendar come when they come, whatever happens at starts."""
    times = []
    for p in (1e-9, 0.01):
        failures = {"node": {"surge": mode(p_start=p), "crash": mode(rate=per_h(0.001))}}
        ledger = simulate(starting(p, failures=failures), seed=3, replication=0)
        first: dict[int, float] = {}
        for row in faults_of(ledger, "crash"):
            first.setdefault(row.instance, row.arrive_h)
        times.append(first)
    assert times[0] == times[1]


def test_parts_that_fail_at_one_start_have_draws_of_their_own() -> None:
    """Their repairs take times of their own, and at another start others."""
    repair = ladder({"fix": rung({"kind": "uniform", "low": "1 h", "high": "2 h"})})
    ledger = simulate(starting(0.1, "10 h", repair=repair), seed=1, replication=0)
    rows = faults_of(ledger, "surge")
    assert max(Counter(row.arrive_h for row in rows).values()) > 5
    took = Counter(round(row.closed_h - row.located_h, 9) for row in rows if not math.isnan(row.closed_h))
    assert max(took.values()) == 1
