"""Changes that turn out bad, and changes in waves: superposition, binomial bricks, and who is exposed for how long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ras_sim.engine import simulate
from ras_sim.ledger import Ledger
from ras_sim.metrics.measures import check_conservation
from ras_sim.scenario.model import Scenario
from tests.small import (
    SOURCE,
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
)

pytestmark = pytest.mark.slow  # statistics over many lives

HORIZON_H = 1000.0
RATE = 0.01


def bad(factor: float, found_h: float, **keys: Any) -> dict[str, Any]:
    return {
        "p": 1.0, "modes": ["node.crash"], "factor": factor, "found_after": h(found_h), "rollback": 0, **keys, **SOURCE,
    }  # fmt: skip


def releases(failure: dict[str, Any], change: dict[str, Any] | None, **changes: Any) -> Scenario:
    """Twenty nodes whose software is changed every 100 hours."""
    planned = {"release": {"every": "100 h", "duration": 0, "bad": change, **SOURCE}}
    return small(
        HORIZON_H, nodes=20, job_nodes=20, failures={"node": {"crash": failure}}, job__planned=planned, **changes
    )


def z_poisson(count: float, expected: float) -> float:
    return (count - expected) / math.sqrt(expected)


@pytest.mark.parametrize("clock", ["calendar", "powered", "in_job"])
@pytest.mark.parametrize(("factor", "found_h"), [(2.0, 30.0), (10.0, 5.0), (1.5, 90.0)])
def test_a_bad_release_raises_the_rate_until_it_is_rolled_back(clock: str, factor: float, found_h: float) -> None:
    """Each release costs (k - 1) r n hours until found: Poisson. The next is asked for 100 h after the rollback."""
    scenario = releases(mode(rate=per_h(RATE), clock=clock), bad(factor, found_h))
    ledgers = runs(scenario, 20)
    cycle_h = 100.0 + found_h
    whole, rest_h = divmod(HORIZON_H, cycle_h)
    raised_h = whole * found_h + max(0.0, rest_h - 100.0)
    in_window = [
        sum(row.arrive_h % cycle_h >= 100.0 for row in faults_of(ledger, "crash")) for ledger in ledgers
    ]
    outside = [len(faults_of(ledger, "crash")) - n for ledger, n in zip(ledgers, in_window, strict=True)]
    assert abs(z_poisson(sum(in_window), 20 * factor * RATE * 20 * raised_h)) < 4.0
    assert abs(z_poisson(sum(outside), 20 * RATE * 20 * (HORIZON_H - raised_h))) < 4.0
    stops = [row for row in ledgers[0].incidents if row.symptom == "planned"]
    assert [row.mode for row in stops[:2]] == ["release", "release_rollback"]
    assert stops[1].arrive_h - stops[0].closed_h == pytest.approx(found_h)


@pytest.mark.parametrize("factor", [3.0, 8.0])
def test_extra_faults_strike_only_while_the_clock_runs(factor: float) -> None:
    """Repairs of 2 h stop the job: faults less what they are expected to be at the hours that it ran has mean 0."""
    scenario = releases(
        mode(rate=per_h(0.002), clock="in_job"),
        bad(factor, 100.0),
        repair=ladder({"fix": rung("2 h")}),
        job__planned__release__every=fixed(100.0),
    )
    excess, expected = 0.0, 0.0
    for ledger in runs(scenario, 20):
        n, mean = len(faults_of(ledger, "crash")), 0.0
        windows = _raised(ledger)
        for row in ledger.job:
            if row.category == "productive" and row.end_h > row.start_h:
                inside = sum(max(0.0, min(row.end_h, b) - max(row.start_h, a)) for a, b in windows)
                mean += 0.002 * 20 * (row.end_h - row.start_h + (factor - 1.0) * inside)
        excess, expected = excess + n - mean, expected + mean
    assert abs(excess / math.sqrt(expected)) < 4.0
    assert hours(simulate(scenario, seed=1, replication=0))["repair"] > 20.0


def _raised(ledger: Ledger) -> list[tuple[float, float]]:
    """From the end of each release to the end of its rollback."""
    begins = [row.closed_h for row in faults_of(ledger, "release") if not math.isnan(row.closed_h)]
    ends = [row.closed_h for row in faults_of(ledger, "release_rollback")]
    ends += [ledger.horizon_h] * (len(begins) - len(ends))
    return [(a, ledger.horizon_h if math.isnan(b) else b) for a, b in zip(begins, ends, strict=True)]


@pytest.mark.parametrize("p", [0.0, 0.2, 0.7])
def test_releases_are_bad_by_chance(p: float) -> None:
    scenario = releases(mode(rate=per_h(0.0)), bad(2.0, 1.0, p=p))
    ledgers = runs(scenario, 60)
    rolled_back = sum(len(faults_of(ledger, "release_rollback")) for ledger in ledgers)
    n = sum(len(faults_of(ledger, "release")) for ledger in ledgers)
    assert rolled_back == 0 if p == 0.0 else abs(rolled_back - n * p) < 4.0 * math.sqrt(n * p * (1.0 - p))


def test_a_bad_release_moves_no_other_fault() -> None:
    """The usual faults are those of the same run without it; a higher factor brings extra ones forward and adds some."""
    times = []
    for factor in (None, 3.0, 9.0):
        change = None if factor is None else bad(factor, 50.0)
        ledger = simulate(releases(mode(rate=per_h(RATE)), change), seed=5, replication=0)
        times.append({(row.instance, row.arrive_h) for row in faults_of(ledger, "crash")})
    usual, more, most = times
    assert usual < more
    assert usual < most
    assert len(most) > len(more)


def machine(wave: dict[str, Any], failures: dict[str, Any], **changes: Any) -> Scenario:
    """100 nodes, 80 in the job, 10 spares; a change begins 100 hours after the one before."""
    keys = {"every": "100 h", "duration": "1 h", "gap": "20 h", **wave, **SOURCE}
    return small(
        400.0, nodes=100, job_nodes=80, job__spares__nodes=10, failures=failures, fleet__waves={"firmware": keys}, **changes
    )


CRASH = {"node": {"crash": mode(rate=per_h(0.0005))}}


@pytest.mark.parametrize(
    ("sizes", "n_stops", "done_h"), [([100], 1, 101.0), ([5, 40], 3, 100.0 + 4 + 60), ([50, 30, 20], 2, 100.0 + 3 + 40)]
)
def test_every_wave_with_nodes_of_the_job_is_a_planned_stop(sizes: list[int], n_stops: int, done_h: float) -> None:
    """Waves of an hour, 20 hours apart; those of nodes beyond the job's stop nothing, but take spares away."""
    ledger = simulate(machine({"sizes": sizes}, {}), seed=1, replication=0)
    first = [row for row in ledger.incidents if row.closed_h <= done_h + 1e-9]
    assert len(first) == n_stops
    assert hours(ledger)["planned"] == pytest.approx(len(ledger.incidents) * 1.0)
    spares = [(row.time_h, row.change) for row in ledger.resources if row.resource == "spare_nodes"]
    assert min(np.cumsum([change for _, change in spares])) < 10
    assert sum(change for time_h, change in spares if time_h <= done_h) == 10
    check_conservation(ledger)


@pytest.mark.parametrize("p", [0.05, 0.3])
def test_nodes_are_bricked_by_chance(p: float) -> None:
    """Each of 100 nodes with probability p: binomial, at the end of its wave."""
    failures = {"node": {"bricked": {"symptoms": {"crash": 1.0}, "clears_at": {"fix": 1.0}, **SOURCE}}}
    wave = {"sizes": [10, 30], "p_bricks": p, "bricks": "node.bricked"}
    counts = []
    for ledger in runs(machine(wave, failures, horizon="200 h"), 300):
        rows = faults_of(ledger, "bricked")
        counts.append(len(rows))
        for row in rows:
            number = 0 if row.instance < 10 else 1 + (row.instance - 10) // 30
            assert row.arrive_h == pytest.approx(100.0 + 21.0 * number + 1.0)
            assert row.n_interruptions == 0  # the job is down for the wave already
    assert p_chi_square(counts, stats.binom.pmf(np.arange(101), 100, p).tolist()) > 6e-5


def test_the_same_nodes_are_bricked_whatever_the_waves() -> None:
    failures = {"node": {"bricked": {"symptoms": {"crash": 1.0}, "clears_at": {"fix": 1.0}, **SOURCE}}}
    found = []
    for sizes, p in (([100], 0.2), ([7, 11], 0.2), ([7, 11], 0.4)):
        wave = {"sizes": sizes, "gap": "1 h", "p_bricks": p, "bricks": "node.bricked"}
        ledger = simulate(machine(wave, failures, horizon="200 h"), seed=2, replication=0)
        found.append({row.instance for row in faults_of(ledger, "bricked")})
    assert found[0] == found[1]
    assert found[1] < found[2]


@pytest.mark.parametrize(("sizes", "found_h"), [([100], 30.0), ([10, 90], 15.0), ([10, 90], 30.0), ([10, 20], 45.0)])
def test_bad_firmware_is_in_the_nodes_that_have_it(sizes: list[int], found_h: float) -> None:
    """Waves end every 21 hours until the change is found; a node is exposed from its wave to the end of the rollback."""
    change = bad(21.0, found_h, rollback="2 h")
    ledgers = runs(machine({"sizes": sizes, "bad": change}, CRASH, horizon="200 h"), 100)
    begins, end_h = _exposures(sizes, found_h)
    assert len({row.mode for row in ledgers[0].incidents if row.symptom == "planned"}) == 2
    groups: list[tuple[range, float]] = [(nodes, end_h - begin_h) for nodes, begin_h in begins]
    done = groups[-1][0].stop
    for nodes, exposed_h in groups:
        seen = sum(row.instance in nodes for one in ledgers for row in faults_of(one, "crash"))
        expected = 100 * len(nodes) * 0.0005 * (200.0 + 20.0 * exposed_h)
        assert abs(z_poisson(seen, expected)) < 4.0
    rest = sum(row.instance >= done for one in ledgers for row in faults_of(one, "crash"))
    assert rest == 0 if done == 100 else abs(z_poisson(rest, 100 * (100 - done) * 0.0005 * 200.0)) < 4.0


def _exposures(sizes: list[int], found_h: float) -> tuple[list[tuple[range, float]], float]:
    """(nodes, end of their wave) of the waves that came about, and the end of the rollback (2 h, the job runs)."""
    begins, first, begin_h, number = [], 0, 100.0, 0
    stop_h = 101.0 + found_h
    while first < 100 and (number == 0 or begin_h < stop_h):
        size = sizes[min(number, len(sizes) - 1)]
        begins.append((range(first, min(100, first + size)), begin_h + 1.0))
        first, begin_h, number = first + size, begin_h + 21.0, number + 1
    return begins, stop_h + 2.0


def test_a_small_first_wave_limits_what_bad_firmware_costs() -> None:
    """All at once the change is in every node, and keeps the job down; with a first wave of five it is found there."""
    change = bad(300.0, 10.0, rollback="2 h")
    down_h = []
    for sizes in ([100], [5, 95]):
        scenario = machine({"sizes": sizes, "bad": change}, CRASH, repair=ladder({"fix": rung("1 h")}))
        down_h.append(np.mean([hours(ledger)["repair"] for ledger in runs(scenario, 10)]))
    at_once, in_waves = down_h
    assert at_once > 1.5 * in_waves


def test_a_rollback_does_not_wait_for_a_job_that_it_is_to_bring_back() -> None:
    """At 80 nodes x 30 /h with repairs of an hour the job never runs, yet the rollback begins when the change is found."""
    change = bad(6e4, 10.0, rollback="2 h")
    scenario = machine({"sizes": [100], "bad": change}, CRASH, repair=ladder({"fix": rung("1 h")}), horizon="150 h")
    ledger = simulate(scenario, seed=1, replication=0)
    (row,) = faults_of(ledger, "firmware_rollback")
    assert (row.arrive_h, row.closed_h) == (pytest.approx(111.0), pytest.approx(113.0))
    assert (row.job_effect, row.n_interruptions) == ("extended", 0)
    assert max(row.arrive_h for row in faults_of(ledger, "crash")) > 110.0
    check_conservation(ledger)
