"""How long a fixed amount of work takes under failures, and how much of a long run is work, in closed form.

Memoryless failures at rate lam while the job is up, W hours of work in n segments of t, each followed by a save that
stops the job for d (none after the last), D hours from a failure to the decision to start up again, S = initialise +
restore. A segment with its save that must be done without a failure and costs R after each one takes on average

    E = (1/lam + R) (exp(lam (t + d)) - 1),                                                                        (1)

R = D + S where nothing fails during recovery (failures on the job's clock). Where the start-up can fail too
(one node, calendar clock; a node in repair cannot fail), the time to get through S is (1/lam + D)(exp(lam S) - 1)
by the same argument, so R = D + (1/lam + D)(exp(lam S) - 1), and with it

    E = (1/lam + D) exp(lam S) (exp(lam (t + d)) - 1).                                                             (2)

Before the first checkpoint there is nothing to restore: S = initialise there.
Sources: Daly, Future Gener. Comput. Syst. 22 (2006), eq. 3 to 20; Bougeret et al., SC'11, proposition 1 for (2).
"""

from __future__ import annotations

import math
from itertools import product

import pytest

from ras_sim.scenario.model import Scenario
from tests.small import exponential, h, hours, ladder, mode, per_h, rung, runs, small, tier, z_mean

pytestmark = pytest.mark.slow  # statistics over many lives

DETECT_H, DIAGNOSE_H, REPAIR_H, INITIALISE_H, RESTORE_H = 0.1, 0.2, 0.5, 0.3, 0.4
DOWN_H = DETECT_H + DIAGNOSE_H + REPAIR_H


def job_of(
    rate: float, t_h: float, d_h: float, clock: str, work_h: float | None, horizon_h: float
) -> Scenario:
    """One node, one tier; repair takes an exponential time, the rest fixed times."""
    work = {} if work_h is None else {"job__work": h(work_h)}
    return small(
        horizon_h,
        job__checkpoints={"disk": tier(t_h, d_h, restore=h(RESTORE_H))},
        job__initialise__base=h(INITIALISE_H),
        detection__crash=h(DETECT_H),
        detection__diagnose=h(DIAGNOSE_H),
        failures={"node": {"crash": mode(rate=per_h(rate), clock=clock)}},
        repair=ladder({"fix": rung(exponential(REPAIR_H))}),
        **work,
    )


def recovery_h(rate: float, start_h: float, fails_too: bool) -> float:
    """Mean time from a failure until the job runs."""
    return DOWN_H + ((1 / rate + DOWN_H) * math.expm1(rate * start_h) if fails_too else start_h)


def completion_h(rate: float, t_h: float, d_h: float, n: int, fails_too: bool) -> float:
    """Mean time to complete n segments, from (1) and (2)."""
    spans = [t_h + d_h] * (n - 1) + [t_h]
    total = (1 / rate + DOWN_H) * math.expm1(rate * INITIALISE_H) if fails_too else INITIALISE_H
    for number, span_h in enumerate(spans):
        start_h = INITIALISE_H + (RESTORE_H if number else 0.0)
        total += (1 / rate + recovery_h(rate, start_h, fails_too)) * math.expm1(rate * span_h)
    return total


@pytest.mark.parametrize("clock", ["in_job", "calendar"])
@pytest.mark.parametrize(
    ("rate", "t_h", "d_h", "n"), [*product((0.02, 0.3), (1.0, 4.0), (0.0, 0.5), (1, 5)), (1.0, 1.0, 0.2, 3)]
)
def test_mean_completion_time(rate: float, t_h: float, d_h: float, n: int, clock: str) -> None:
    """34 values are looked at."""
    scenario = job_of(rate, t_h, d_h, clock, n * t_h, 20_000.0)
    ledgers = runs(scenario, 150, seed=21)
    assert all(ledger.completed for ledger in ledgers)
    assert all(hours(ledger)["productive"] == pytest.approx(n * t_h, rel=1e-9) for ledger in ledgers)
    expected = completion_h(rate, t_h, d_h, n, clock == "calendar")
    assert abs(z_mean([ledger.horizon_h for ledger in ledgers], expected)) < 4.0


@pytest.mark.parametrize("clock", ["in_job", "calendar"])
@pytest.mark.parametrize(
    ("rate", "t_h", "d_h"),
    [
        (0.05, 1.0, 0.1),
        (0.05, 8.0, 0.5),
        pytest.param(0.5, 1.0, 0.1, marks=pytest.mark.slow),
        pytest.param(0.5, 0.2, 0.2, marks=pytest.mark.slow),
    ],
)
def test_goodput_of_a_long_run(rate: float, t_h: float, d_h: float, clock: str) -> None:
    """A cycle between failures keeps t / (exp(lam (t + d)) - 1) and takes 1/lam + R."""
    horizon_h, n_runs = 3000.0, 40
    scenario = job_of(rate, t_h, d_h, clock, None, horizon_h)
    start_h = INITIALISE_H + RESTORE_H
    expected = (
        t_h / math.expm1(rate * (t_h + d_h)) / (1 / rate + recovery_h(rate, start_h, clock == "calendar"))
    )
    goodput = [hours(ledger)["productive"] / horizon_h for ledger in runs(scenario, n_runs, seed=22)]
    assert abs(z_mean(goodput, expected)) < 4.0


@pytest.mark.parametrize(
    ("rate", "d_h"),
    [(0.1, 0.05), *[pytest.param(*case, marks=pytest.mark.slow) for case in ((0.02, 0.3), (0.5, 0.02))]],
)
def test_the_best_interval_is_the_one_of_young_and_daly(rate: float, d_h: float) -> None:
    """On the same failures, the best of a row of intervals has Daly's higher-order optimum next to it."""
    mean_h = 1.0 / rate
    young_h = math.sqrt(2.0 * d_h * mean_h)
    ratio = math.sqrt(d_h / (2.0 * mean_h))
    daly_h = young_h * (1.0 + ratio / 3.0 + ratio**2 / 9.0) - d_h
    factors = [0.3, 0.55, 1.0, 1.8, 3.2]
    for centre_h in (daly_h, young_h):
        means = []
        for factor in factors:
            ledgers = runs(job_of(rate, factor * centre_h, d_h, "in_job", None, 600.0 * mean_h), 6, seed=23)
            means.append(sum(hours(ledger)["productive"] for ledger in ledgers))
        assert means.index(max(means)) == factors.index(1.0)


def test_the_same_failures_whatever_the_interval() -> None:
    """On the job's clock a change of the interval moves no failure of a job that waits out each of them."""
    clocks = []
    for t_h in (0.5, 2.0):
        ledger = runs(job_of(0.2, t_h, 0.0, "in_job", None, 300.0), 1)[0]
        up = 0.0
        reached = []
        for row in ledger.job:
            if row.category in ("productive", "checkpoint_save") and row.end_h > row.start_h:
                up += row.hours
                reached.append(up)
        clocks.append(reached[:30])
    assert clocks[0] == pytest.approx(clocks[1], rel=1e-9)
